package obj

// Fault is what can be wrong with a call. The public packages have an error value for each; users never see a Fault. The server's refusals
// are *wire.APIError, and those of the connection and of contexts come as they are.
type Fault uint8

const (
	NameRequired   Fault = iota + 1 // no name of an object
	BadBucket                       // no valid name of a bucket
	BadMeta                         // meta data that cannot be used, ours or the server's
	NotFound                        // no such object, or it is deleted
	LinkInPut                       // a link cannot be put
	ObjectRequired                  // a link needs an object
	BucketRequired                  // a link needs a bucket
	AlreadyExists                   // the name belongs to another object
	LinkToDeleted                   // the object that a link is to name is deleted
	LinkToLink                      // the object that a link is to name is a link
	GetOfBucket                     // the object is a link to a bucket
	MetaOfDeleted                   // there is no object whose meta data could change
	DigestMismatch                  // what came is not what was put
	BadDigest                       // the digest cannot be read
	NoObjects                       // an empty bucket
	NoStream                        // no stream stores what is published
	NotAnAck                        // something else than a stream answered a publish
)

var faultTexts = [...]string{
	NameRequired: "name required", BadBucket: "bad bucket name", BadMeta: "meta data invalid", NotFound: "not found", LinkInPut: "link in put",
	ObjectRequired: "object required", BucketRequired: "bucket required", AlreadyExists: "already exists", LinkToDeleted: "link to deleted",
	LinkToLink: "link to link", GetOfBucket: "get of bucket", MetaOfDeleted: "meta of deleted", DigestMismatch: "digest mismatch",
	BadDigest: "bad digest", NoObjects: "no objects", NoStream: "no stream", NotAnAck: "not an ack",
}

// Error is for logs and tests of this package.
func (f Fault) Error() string {
	if int(f) < len(faultTexts) {
		return "object store: " + faultTexts[f]
	}
	return "object store: unknown fault"
}
