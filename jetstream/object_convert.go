package jetstream

import (
	"errors"
	"hash"
	"strings"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/obj"
)

// objectErrors are the errors of this API. They are returned as they are, because callers compare with ==.
var objectErrors = map[obj.Fault]error{
	obj.NameRequired:   ErrNameRequired,
	obj.BadBucket:      ErrInvalidStoreName,
	obj.BadMeta:        ErrBadObjectMeta,
	obj.NotFound:       ErrObjectNotFound,
	obj.LinkInPut:      ErrLinkNotAllowed,
	obj.ObjectRequired: ErrObjectRequired,
	obj.BucketRequired: ErrBucketRequired,
	obj.AlreadyExists:  ErrObjectAlreadyExists,
	obj.LinkToDeleted:  ErrNoLinkToDeleted,
	obj.LinkToLink:     ErrNoLinkToLink,
	obj.GetOfBucket:    ErrCantGetBucket,
	obj.MetaOfDeleted:  ErrUpdateMetaDeleted,
	obj.DigestMismatch: ErrDigestMismatch,
	obj.BadDigest:      ErrInvalidDigestFormat,
	obj.NoObjects:      ErrNoObjectsFound,
	obj.NoStream:       ErrNoStreamResponse,
	obj.NotAnAck:       ErrInvalidJSAck,
}

// objectFailure is the error of a call of the store. What wraps a fault or a refusal keeps its words.
func objectFailure(err error) error {
	if err == nil {
		return nil
	}
	var fault obj.Fault
	var refused *wire.APIError
	switch {
	case errors.As(err, &fault):
		if err == error(fault) {
			return objectErrors[fault]
		}
		public := objectErrors[fault]
		return &objectError{text: strings.ReplaceAll(err.Error(), fault.Error(), public.Error()), cause: err, is: public}
	case errors.As(err, &refused):
		if err == error(refused) {
			return failure(refused, nil)
		}
		public := failure(refused, nil)
		return &objectError{text: strings.ReplaceAll(err.Error(), refused.Error(), public.Error()), cause: err, is: public}
	}
	return failure(nil, err)
}

// objectError is an error with more to say than the value it stands for.
type objectError struct {
	text  string
	cause error
	is    error
}

func (e *objectError) Error() string   { return e.text }
func (e *objectError) Unwrap() []error { return []error{e.is, e.cause} }

// newObjectInfo is i in the types of this package; nil stays nil.
func newObjectInfo(i *obj.Info) *ObjectInfo {
	if i == nil {
		return nil
	}
	info := &ObjectInfo{
		ObjectMeta: ObjectMeta{Name: i.Name, Description: i.Description, Headers: i.Headers, Metadata: i.Metadata},
		Bucket:     i.Bucket, NUID: i.NUID, Size: i.Size, ModTime: i.ModTime, Chunks: i.Chunks, Digest: i.Digest, Deleted: i.Deleted,
	}
	if o := i.Opts; o != nil {
		info.Opts = &ObjectMetaOptions{ChunkSize: o.ChunkSize}
		if o.Link != nil {
			info.Opts.Link = &ObjectLink{Bucket: o.Link.Bucket, Name: o.Link.Name}
		}
	}
	return info
}

// meta is m in the types of the store.
func (m *ObjectMeta) meta() obj.Meta {
	meta := obj.Meta{Name: m.Name, Description: m.Description, Headers: m.Headers, Metadata: m.Metadata}
	if o := m.Opts; o != nil {
		meta.Opts = &obj.Options{ChunkSize: o.ChunkSize}
		if o.Link != nil {
			meta.Opts.Link = &obj.Link{Bucket: o.Link.Bucket, Name: o.Link.Name}
		}
	}
	return meta
}

// link is what a link to i needs of it; nil stays nil.
func (i *ObjectInfo) link() *obj.Info {
	if i == nil {
		return nil
	}
	return &obj.Info{Meta: i.meta(), Bucket: i.Bucket, Deleted: i.Deleted}
}

// DecodeObjectDigest returns the hash that a digest of the form SHA-256=<base64url> holds. [ErrInvalidDigestFormat] without a =, and
// the error of package base64.
func DecodeObjectDigest(data string) ([]byte, error) {
	sum, err := obj.ParseDigest(data)
	return sum, objectFailure(err)
}

// GetObjectDigestValue is the digest of what was written to data, a SHA-256, in the form that [ObjectInfo] has; "" when data is nil.
func GetObjectDigestValue(data hash.Hash) string {
	if data == nil {
		return ""
	}
	return obj.Digest(data.Sum(nil))
}
