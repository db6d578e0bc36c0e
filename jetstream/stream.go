package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// Stream is a handle to a stream. It may be used concurrently, and need not be closed.
type Stream interface {
	ConsumerManager

	// Info asks for the stream's state and caches the answer. ErrStreamNotFound when it was deleted.
	Info(ctx context.Context, opts ...StreamInfoOpt) (*StreamInfo, error)

	// CachedInfo returns the last answer without asking, and without the counts of subjects. It is shared: do not change it.
	CachedInfo() *StreamInfo

	// Purge removes all messages, or those that opts select. ErrStreamNotFound when the stream was deleted.
	Purge(ctx context.Context, opts ...StreamPurgeOpt) error

	// GetMsg returns the message with a sequence; ErrMsgNotFound when there is none.
	GetMsg(ctx context.Context, seq uint64, opts ...GetMsgOpt) (*RawStreamMsg, error)

	// GetLastMsgForSubject returns the last message of a subject, which may have wildcards; ErrMsgNotFound when there is
	// none.
	GetLastMsgForSubject(ctx context.Context, subject string) (*RawStreamMsg, error)

	// DeleteMsg removes a message. What goes wrong is wrapped together with ErrMsgDeleteUnsuccessful: an *APIError with the code 10057 when
	// there is no message with this sequence.
	DeleteMsg(ctx context.Context, seq uint64) error

	// SecureDeleteMsg is DeleteMsg that overwrites the message with random bytes first.
	SecureDeleteMsg(ctx context.Context, seq uint64) error
}

type stream struct {
	js   *jetStream
	name string

	mu   sync.Mutex
	info *StreamInfo
}

func newStream(js *jetStream, info *StreamInfo) *stream {
	return &stream{js: js, name: info.Config.Name, info: info}
}

// StreamInfoOpt asks for more in an Info.
type StreamInfoOpt func(*streamInfoOpts) error

type streamInfoOpts wire.StreamInfoRequest

// WithDeletedDetails asks for the sequences of deleted messages, in [StreamState].Deleted.
func WithDeletedDetails(deletedDetails bool) StreamInfoOpt {
	return func(r *streamInfoOpts) error {
		r.DeletedDetails = deletedDetails
		return nil
	}
}

// WithSubjectFilter asks for the number of messages of each subject that matches, in [StreamState].Subjects.
func WithSubjectFilter(subject string) StreamInfoOpt {
	return func(r *streamInfoOpts) error {
		r.SubjectsFilter = subject
		return nil
	}
}

func (s *stream) Info(ctx context.Context, opts ...StreamInfoOpt) (*StreamInfo, error) {
	var req streamInfoOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&req); err != nil {
			return nil, err
		}
	}
	info, err := s.js.streamInfo(ctx, s.name, wire.StreamInfoRequest(req))
	if err != nil {
		return nil, err
	}
	cached := info
	if len(info.State.Subjects) > 0 { // there may be very many of them
		short := *info
		short.State.Subjects = nil
		cached = &short
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info = cached
	return info, nil
}

func (s *stream) CachedInfo() *StreamInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// StreamPurgeOpt selects what a purge removes.
type StreamPurgeOpt func(*StreamPurgeRequest) error

// WithPurgeSubject removes only messages of subjects that match.
func WithPurgeSubject(subject string) StreamPurgeOpt {
	return func(r *StreamPurgeRequest) error {
		r.Subject = subject
		return nil
	}
}

// WithPurgeSequence removes only messages below sequence. Not together with [WithPurgeKeep]: [ErrInvalidOption].
func WithPurgeSequence(sequence uint64) StreamPurgeOpt {
	return func(r *StreamPurgeRequest) error {
		r.Sequence = sequence
		return r.check()
	}
}

// WithPurgeKeep leaves the newest messages. Not together with [WithPurgeSequence]: [ErrInvalidOption].
func WithPurgeKeep(keep uint64) StreamPurgeOpt {
	return func(r *StreamPurgeRequest) error {
		r.Keep = keep
		return r.check()
	}
}

func (r *StreamPurgeRequest) check() error {
	if r.Keep != 0 && r.Sequence != 0 {
		return fmt.Errorf("%w: both 'keep' and 'sequence' cannot be provided in purge request", ErrInvalidOption)
	}
	return nil
}

func (s *stream) Purge(ctx context.Context, opts ...StreamPurgeOpt) error {
	var req StreamPurgeRequest
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&req); err != nil {
			return err
		}
	}
	_, err := call[wire.Done](ctx, s.js, wire.StreamPurge(s.name), req, ErrStreamNotFound)
	return err
}

// GetMsgOpt refines a GetMsg.
type GetMsgOpt func(*getMsgOpts) error

type getMsgOpts wire.MsgGetRequest

// WithGetMsgSubject makes GetMsg return the first message at or after the sequence whose subject matches.
func WithGetMsgSubject(subject string) GetMsgOpt {
	return func(r *getMsgOpts) error {
		r.NextFor = subject
		return nil
	}
}

func (s *stream) GetMsg(ctx context.Context, seq uint64, opts ...GetMsgOpt) (*RawStreamMsg, error) {
	req := getMsgOpts{Seq: seq}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&req); err != nil {
			return nil, err
		}
	}
	return s.get(ctx, wire.MsgGetRequest(req))
}

func (s *stream) GetLastMsgForSubject(ctx context.Context, subj string) (*RawStreamMsg, error) {
	if subj != "" && !subject.ValidSubscribe(subj) {
		return nil, nats.ErrBadSubject
	}
	return s.get(ctx, wire.MsgGetRequest{LastFor: subj})
}

// get reads a message from any replica where the stream allows it, else from the leader.
func (s *stream) get(ctx context.Context, req wire.MsgGetRequest) (*RawStreamMsg, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	var m wire.StoredMsg
	var refused *wire.APIError
	var err error
	switch {
	case !s.CachedInfo().Config.AllowDirect:
		m, refused, err = api.GetMsg(ctx, s.js.api, s.name, req)
	case req.LastFor != "":
		m, refused, err = api.DirectGetLast(ctx, s.js.api, s.name, req.LastFor)
	default:
		m, refused, err = api.DirectGet(ctx, s.js.api, s.name, req)
	}
	if err := failure(refused, err, ErrMsgNotFound); err != nil {
		return nil, err
	}
	h, err := headerOf(m.Header)
	if err != nil {
		return nil, err
	}
	return &RawStreamMsg{Subject: m.Subject, Sequence: m.Sequence, Header: h, Data: m.Data, Time: m.Time}, nil
}

func (s *stream) DeleteMsg(ctx context.Context, seq uint64) error {
	return s.deleteMsg(ctx, wire.MsgDeleteRequest{Seq: seq, NoErase: true})
}

func (s *stream) SecureDeleteMsg(ctx context.Context, seq uint64) error {
	return s.deleteMsg(ctx, wire.MsgDeleteRequest{Seq: seq})
}

func (s *stream) deleteMsg(ctx context.Context, req wire.MsgDeleteRequest) error {
	done, err := call[wire.Done](ctx, s.js, wire.StreamMsgDelete(s.name), req)
	var refused *APIError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", ErrMsgDeleteUnsuccessful, err)
	}
	if err == nil && !done.Success {
		return ErrMsgDeleteUnsuccessful
	}
	return err
}
