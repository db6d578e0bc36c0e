package nats

import "errors"

// Key-value buckets. They are compared with == or [errors.Is].
var (
	ErrKeyValueConfigRequired = errors.New("nats: config required")                  // CreateKeyValue without a configuration
	ErrInvalidBucketName      = errors.New("nats: invalid bucket name")              // a bucket name has a character other than letters, digits, - and _
	ErrInvalidKey             = errors.New("nats: invalid key")                      // a key has a character that it cannot have, or dots in odd places; nothing was sent
	ErrBucketNotFound         = errors.New("nats: bucket not found")                 // there is no bucket of that name, or it was deleted
	ErrBadBucket              = errors.New("nats: bucket not valid key-value store") // the stream of that name is not a bucket
	ErrKeyNotFound            = errors.New("nats: key not found")                    // the key does not exist or was deleted
	ErrKeyDeleted             = errors.New("nats: key was deleted")                  // kept so that programs compile: a deleted key is ErrKeyNotFound
	ErrHistoryToLarge         = errors.New("nats: history limited to a max of 64")   // CreateKeyValue with a larger History
	ErrNoKeysFound            = errors.New("nats: no keys found")                    // Keys of a bucket without values

	ErrKeyWatcherTimeout = errors.New("nats: key watcher timed out waiting for initial keys") // Keys, History: the server stays silent
)

// Object stores. They are compared with == or [errors.Is].
var (
	ErrObjectConfigRequired = errors.New("nats: object-store config required")                         // CreateObjectStore without a configuration
	ErrBadObjectMeta        = errors.New("nats: object-store meta information invalid")                // no meta or name given; a description that cannot be read; too many links
	ErrObjectNotFound       = errors.New("nats: object not found")                                     // no such object, deleted, or replaced while it was read
	ErrInvalidStoreName     = errors.New("nats: invalid object-store name")                            // a bucket name has a character other than letters, digits, - and _
	ErrDigestMismatch       = errors.New("nats: received a corrupt object, digests do not match")      // bytes are missing or wrong
	ErrInvalidDigestFormat  = errors.New("nats: object digest hash has invalid format")                // a digest cannot be read
	ErrNoObjectsFound       = errors.New("nats: no objects found")                                     // List of a bucket without objects
	ErrObjectAlreadyExists  = errors.New("nats: an object already exists with that name")              // the new name, or that of a link, is taken
	ErrNameRequired         = errors.New("nats: name is required")                                     // the name of an object is empty
	ErrNeeds262             = errors.New("nats: object-store requires at least server version 2.6.2")  // kept so that programs compile: older servers are not supported
	ErrLinkNotAllowed       = errors.New("nats: link cannot be set when putting the object in bucket") // Put with a link: use AddLink
	ErrObjectRequired       = errors.New("nats: object required")                                      // AddLink without an object
	ErrNoLinkToDeleted      = errors.New("nats: not allowed to link to a deleted object")              // AddLink to one
	ErrNoLinkToLink         = errors.New("nats: not allowed to link to another link")                  // AddLink to one
	ErrCantGetBucket        = errors.New("nats: invalid Get, object is a link to a bucket")            // open that bucket instead
	ErrBucketRequired       = errors.New("nats: bucket required")                                      // AddBucketLink without a bucket
	ErrBucketMalformed      = errors.New("nats: bucket malformed")                                     // AddBucketLink to a bucket that is not of this package
	ErrUpdateMetaDeleted    = errors.New("nats: cannot update meta for a deleted object")              // UpdateMeta of an object that is not there
)

// ErrInvalidDurableName is not returned any more.
//
// Deprecated: a durable name is checked as a consumer name, see ErrInvalidConsumerName.
var ErrInvalidDurableName = errors.New("nats: invalid durable name")
