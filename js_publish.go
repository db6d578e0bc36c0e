package nats

import (
	"context"
	"errors"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/subject"
)

// PubAck is the stream's answer to a publish: the message is stored.
type PubAck struct {
	// Stream that stored the message.
	Stream string `json:"stream"`
	// Sequence of the message in the stream.
	Sequence uint64 `json:"seq"`
	// Duplicate: the stream had a message with this id already, at Sequence, and has not stored this one.
	Duplicate bool `json:"duplicate,omitempty"`
	// Domain of the stream, if the server names it.
	Domain string `json:"domain,omitempty"`
}

func newPubAck(a wire.PubAck) PubAck {
	return PubAck{Stream: a.Stream, Sequence: a.Sequence, Duplicate: a.Duplicate, Domain: a.Domain}
}

func (j *js) Publish(subj string, data []byte, opts ...PubOpt) (*PubAck, error) {
	o, err := newPubOpts(opts, (*pubOpts).forSync)
	if err != nil {
		return nil, err
	}
	defer o.free()
	block, err := o.block(subj)
	if err != nil {
		return nil, err
	}
	return j.publish(subj, block, data, o, o.id != "")
}

func (j *js) PublishMsg(m *Msg, opts ...PubOpt) (*PubAck, error) {
	o, err := newPubOpts(opts, (*pubOpts).forSync)
	if err != nil {
		return nil, err
	}
	block, err := o.seal(j.nc.eng, m)
	if err != nil {
		return nil, err
	}
	return j.publish(m.Subject, block, m.Data, o, m.Header.Get(MsgIdHdr) != "")
}

// publish publishes and waits. known says that the message has an id.
func (j *js) publish(subj string, block, data []byte, o *pubOpts, known bool) (*PubAck, error) {
	spec := run.SyncSpec{Subject: subj, Header: block, Data: data, Retry: o.retry(syncRetry)}
	ctx := o.ctx
	if ctx == nil {
		ctx, spec.Budget = context.Background(), o.budget(j)
	}
	spec.Retry.Repeat = known && boundedBy(ctx, spec.Budget, duplicateWindow)
	ack, code, refused, err := j.pub.Publish(ctx, spec)
	if code == wire.OK && err == nil {
		a := newPubAck(ack)
		return &a, nil
	}
	return nil, jsEnded(opPublish, code, refused, err)
}

// budget is how long a synchronous publish may take without a context.
func (o *pubOpts) budget(j *js) time.Duration {
	switch {
	case o.wait > 0:
		return o.wait
	case j.opts.wait > 0:
		return j.opts.wait
	}
	return api.DefaultTimeout
}

// duplicateWindow is the time for which streams recognise message ids, unless they are configured otherwise. What may take longer is
// not sent a second time: the stream could have forgotten the id, and store a copy.
const duplicateWindow = 2 * time.Minute

// boundedBy reports whether ctx and budget, whichever has a bound, end within limit.
func boundedBy(ctx context.Context, budget, limit time.Duration) bool {
	end, ok := ctx.Deadline()
	return budget > 0 && budget <= limit || ok && time.Until(end) <= limit
}

func (j *js) PublishAsync(subj string, data []byte, opts ...PubOpt) (PubAckFuture, error) {
	o, err := newPubOpts(opts, (*pubOpts).forAsync)
	if err != nil {
		return nil, err
	}
	defer o.free()
	block, err := o.block(subj)
	if err != nil {
		return nil, err
	}
	return j.publishAsync(new(pubFuture), subj, block, data, o)
}

func (j *js) PublishMsgAsync(m *Msg, opts ...PubOpt) (PubAckFuture, error) {
	o, err := newPubOpts(opts, (*pubOpts).forAsync)
	switch {
	case err != nil:
		return nil, err
	case m != nil && m.Reply != "":
		return nil, errReplySet
	}
	block, err := o.seal(j.nc.eng, m)
	if err != nil {
		return nil, err
	}
	f := new(pubFuture)
	f.msg.Store(m)
	return j.publishAsync(f, m.Subject, block, m.Data, o)
}

// errReplySet refuses to overwrite a reply subject that somebody may listen to.
var errReplySet = errors.New("nats: reply subject should be empty")

func (j *js) publishAsync(f *pubFuture, subj string, block, data []byte, o *pubOpts) (PubAckFuture, error) {
	spec := run.AsyncSpec{Subject: subj, Header: block, Data: data, Retry: o.retry(asyncRetry), Stall: o.stall}
	switch err := j.pub.PublishAsync(&spec, f); err {
	case nil:
		return f, nil
	case run.ErrStalled:
		return nil, ErrTooManyStalledMsgs
	default:
		return nil, err
	}
}

// seal checks m, writes the headers of the options into it, and encodes its header block, which nobody changes any more.
func (o *pubOpts) seal(eng *engine.Conn, m *Msg) (block []byte, err error) {
	switch {
	case m == nil:
		return nil, ErrInvalidMsg
	case !subject.ValidPublish(m.Subject):
		return nil, ErrBadSubject
	}
	if o.headers() {
		if m.Header == nil {
			m.Header = make(Header)
		}
		o.write(m.Header)
	}
	return eng.EncodeHeader(m.Header)
}

// block is the header block of the options alone, for a message on subj without one of its own: it takes no detour by way of a map.
func (o *pubOpts) block(subj string) ([]byte, error) {
	switch {
	case !subject.ValidPublish(subj):
		return nil, ErrBadSubject
	case !o.headers():
		return nil, nil
	}
	var room [2 * pubHeaders]string
	pairs := o.pairs(room[:0])
	size := len("NATS/1.0\r\n\r\n")
	for i := 0; i < len(pairs); i += 2 {
		size += len(pairs[i]) + len(": \r\n") + len(pairs[i+1])
	}
	return proto.AppendPairs(make([]byte, 0, size), pairs...), nil
}

func (j *js) PublishAsyncPending() int              { return j.pub.Pending() }
func (j *js) PublishAsyncComplete() <-chan struct{} { return j.pub.Complete() }
func (j *js) CleanupPublisher()                     { j.pub.Close() }
