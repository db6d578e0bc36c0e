package obj

import (
	"context"

	"github.com/nats-io/nuid"
)

// Delete removes an object: a marker stays in its place. Errors: those of [Store.Info] and of publishing.
func (s *Store) Delete(ctx context.Context, name string) error {
	info, err := s.Info(ctx, name, true)
	if err != nil {
		return err
	}
	if info.Name != name {
		return BadMeta // the marker would go to another name
	}
	marker := *info
	marker.Deleted, marker.Size, marker.Chunks, marker.Digest = true, 0, 0, ""
	gone, err := s.storeMeta(ctx, &marker, info, false)
	if err != nil {
		return err
	}
	if gone != nil && gone.Deleted {
		return nil // its chunks were removed with it
	}
	return s.dropChunks(ctx, gone)
}

// UpdateMeta changes what the user says about an object, its name included. Links and chunk sizes stay as they are. Errors:
// [BadMeta] without meta, [NameRequired], [MetaOfDeleted], [AlreadyExists] when the new name is taken, those of [Store.Info] and of
// publishing.
func (s *Store) UpdateMeta(ctx context.Context, name string, meta *Meta) error {
	if meta == nil {
		return BadMeta
	}
	for range maxRaces {
		info, err := s.Info(ctx, name, false)
		switch {
		case err == NotFound:
			return MetaOfDeleted
		case err != nil:
			return err
		case meta.Name == "":
			return NameRequired
		case meta.Name != name:
			return s.rename(ctx, info, meta)
		}
		// Somebody else's object must not be described with the chunks of this one, so what he puts meanwhile is read again.
		if _, err = s.storeMeta(ctx, info.with(meta), info, true); err != AlreadyExists {
			return err
		}
	}
	return AlreadyExists
}

// with is info with other words of the user.
func (i *Info) with(meta *Meta) *Info {
	changed := *i
	changed.Name, changed.Description, changed.Headers, changed.Metadata = meta.Name, meta.Description, meta.Headers, meta.Metadata
	return &changed
}

func (s *Store) rename(ctx context.Context, info *Info, meta *Meta) error {
	taken, err := s.find(ctx, meta.Name)
	if err != nil {
		return err
	}
	if taken != nil && !taken.Deleted {
		return AlreadyExists
	}
	if _, err := s.storeMeta(ctx, info.with(meta), taken, true); err != nil {
		return err
	}
	return s.purgeBelow(ctx, metaSubject(s.cfg.Bucket, info.Name), info.seq+1)
}

// AddLink makes name a link to an object, which is not looked for. Errors: [NameRequired], [ObjectRequired], [BadBucket],
// [LinkToDeleted], [LinkToLink], [AlreadyExists] when name is no link, those of [Store.Info] and of publishing.
func (s *Store) AddLink(ctx context.Context, name string, to *Info) (*Info, error) {
	switch {
	case name == "":
		return nil, NameRequired
	case to == nil || to.Name == "":
		return nil, ObjectRequired
	case to.Deleted:
		return nil, LinkToDeleted
	case to.link() != nil:
		return nil, LinkToLink
	case !ValidBucket(to.Bucket):
		return nil, BadBucket
	}
	return s.link(ctx, name, Link{Bucket: to.Bucket, Name: to.Name})
}

// AddBucketLink makes name a link to a bucket, whose name was checked. Errors as of [Store.AddLink].
func (s *Store) AddBucketLink(ctx context.Context, name, bucket string) (*Info, error) {
	switch {
	case name == "":
		return nil, NameRequired
	case !ValidBucket(bucket):
		return nil, BadBucket
	}
	return s.link(ctx, name, Link{Bucket: bucket})
}

func (s *Store) link(ctx context.Context, name string, to Link) (*Info, error) {
	old, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if old != nil && old.link() == nil {
		return nil, AlreadyExists
	}
	info := &Info{Meta: Meta{Name: name, Opts: &Options{Link: &to}}, Bucket: s.cfg.Bucket, NUID: nuid.Next()}
	if _, err := s.storeMeta(ctx, info, old, old == nil); err != nil {
		return nil, err
	}
	return info, nil
}
