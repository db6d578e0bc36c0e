package nats

import (
	"fmt"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

func (j *js) AddStream(cfg *StreamConfig, opts ...JSOpt) (*StreamInfo, error) {
	return j.putStream(wire.StreamCreate, cfg, opts, ErrStreamNameAlreadyInUse)
}

func (j *js) UpdateStream(cfg *StreamConfig, opts ...JSOpt) (*StreamInfo, error) {
	return j.putStream(wire.StreamUpdate, cfg, opts, ErrStreamNotFound)
}

func (j *js) putStream(subject func(string) string, cfg *StreamConfig, opts []JSOpt, known JetStreamError) (*StreamInfo, error) {
	if cfg == nil {
		return nil, ErrStreamConfigRequired
	}
	c, err := j.streamCall(cfg.Name, opts)
	if err != nil {
		return nil, err
	}
	sent, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	info, err := jsAsk[StreamInfo](c, subject(cfg.Name), sent, known)
	if err != nil {
		return nil, err
	}
	if err := sent.ignoredBy(&info.Config); err != nil {
		return nil, err
	}
	return &info, nil
}

func (j *js) DeleteStream(name string, opts ...JSOpt) error {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return err
	}
	_, err = jsAsk[wire.Done](c, wire.StreamDelete(name), nil, ErrStreamNotFound)
	return err
}

func (j *js) StreamInfo(name string, opts ...JSOpt) (*StreamInfo, error) {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return nil, err
	}
	req := wire.StreamInfoRequest{DeletedDetails: c.opts.info.DeletedDetails, SubjectsFilter: c.opts.info.SubjectsFilter}
	info, refused, err := api.StreamInfo(c.ctx, c.api, name, req, func(i *StreamInfo) *map[string]uint64 { return &i.State.Subjects })
	if err := jsFailure(refused, err, ErrStreamNotFound); err != nil {
		return nil, err
	}
	return &info, nil
}

func (j *js) PurgeStream(name string, opts ...JSOpt) error {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return err
	}
	var req any
	if p := c.opts.purge; p != (StreamPurgeRequest{}) {
		if p.Keep != 0 && p.Sequence != 0 {
			return fmt.Errorf("%w: invalid purge request body", ErrBadRequest)
		}
		req = p
	}
	_, err = jsAsk[wire.Done](c, wire.StreamPurge(name), req)
	return err
}

func (j *js) StreamsInfo(opts ...JSOpt) <-chan *StreamInfo { return j.Streams(opts...) }

func (j *js) Streams(opts ...JSOpt) <-chan *StreamInfo {
	c, err := j.call(opts)
	return jsList(j, c, err, wire.StreamList, c.listFilter(), func(i StreamInfo) (*StreamInfo, bool) { return &i, i.Config.Name != "" })
}

func (j *js) StreamNames(opts ...JSOpt) <-chan string {
	c, err := j.call(opts)
	return jsList(j, c, err, wire.StreamNames, c.listFilter(), nameEntry)
}

// listFilter restricts a list of streams; c is nil when the call failed already.
func (c *jsCall) listFilter() string {
	if c == nil {
		return ""
	}
	return c.opts.listFilter
}

func (j *js) StreamNameBySubject(subject string, opts ...JSOpt) (string, error) {
	c, err := j.call(opts)
	if err != nil {
		return "", err
	}
	var found []string
	refused, err := api.List(c.ctx, c.api, wire.StreamNames, subject, func(names []string) bool {
		found = names
		return false
	})
	if err := jsFailure(refused, err); err != nil {
		return "", notEnabled(err)
	}
	if subject == "" || len(found) != 1 {
		return "", ErrNoMatchingStream
	}
	return found[0], nil
}

// resolve returns cfg as the server is to have it, with the domains of origins turned into API prefixes. cfg stays as it is.
func (cfg StreamConfig) resolve() (StreamConfig, error) {
	if cfg.Mirror != nil {
		m, err := cfg.Mirror.resolve("mirror")
		if err != nil {
			return cfg, err
		}
		cfg.Mirror = m
	}
	if len(cfg.Sources) > 0 {
		sources := make([]*StreamSource, len(cfg.Sources))
		for i, s := range cfg.Sources {
			r, err := s.resolve(fmt.Sprintf("sources[%d]", i))
			if err != nil {
				return cfg, err
			}
			sources[i] = r
		}
		cfg.Sources = sources
	}
	return cfg, nil
}

func (s *StreamSource) resolve(what string) (*StreamSource, error) {
	switch {
	case s == nil:
		return nil, fmt.Errorf("%w: %s is nil", ErrInvalidArg, what)
	case s.Domain == "":
		return s, nil
	case s.External != nil:
		return nil, fmt.Errorf("%w: domain and external of %s are both set", ErrInvalidArg, what)
	}
	r := *s
	r.External = &ExternalStream{APIPrefix: wire.DomainPrefix(s.Domain)}
	return &r, nil
}

// ignoredBy says what of cfg the server, which answered with got, does not know. Old servers drop what they do not know.
func (cfg *StreamConfig) ignoredBy(got *StreamConfig) error {
	switch {
	case cfg.SubjectTransform != nil && got.SubjectTransform == nil:
		return ErrStreamSubjectTransformNotSupported
	case len(got.Sources) < len(cfg.Sources):
		return ErrStreamSourceNotSupported
	}
	for i, s := range cfg.Sources {
		want, have := len(s.SubjectTransforms), 0
		if got.Sources[i] != nil {
			have = len(got.Sources[i].SubjectTransforms)
		}
		switch {
		case want > 0 && have == 0:
			return ErrStreamSourceSubjectTransformNotSupported
		case want > have:
			return ErrStreamSourceMultipleSubjectTransformsNotSupported
		}
	}
	return nil
}
