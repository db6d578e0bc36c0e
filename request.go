package nats

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/roll"
	"github.com/gannet-io/nats/internal/subject"
)

// asker is a goroutine that waits for a reply. It goes back to the pool only when nobody can call it any more.
type asker struct {
	nc   *Conn
	done chan struct{} // capacity 1
	msg  *Msg
	err  error

	track   engine.Tracked // with FailFastRequests
	subject string         // of the request, likewise
}

func (nc *Conn) asker() *asker {
	if a, ok := nc.askers.Get().(*asker); ok {
		return a
	}
	return &asker{nc: nc, done: make(chan struct{}, 1)}
}

// release returns the outcome, and a to the pool.
func (a *asker) release() (*Msg, error) {
	msg, err := a.msg, a.err
	a.msg, a.err, a.subject = nil, nil, ""
	a.nc.askers.Put(a)
	return msg, err
}

// Reply is called by the engine's reader.
func (a *asker) Reply(f *proto.Frame) {
	if len(f.Data) == 0 && proto.Status(f.Header) == noResponders {
		a.err = ErrNoResponders
	} else {
		a.msg = a.nc.reply(f)
	}
	a.done <- struct{}{}
}

// Fail is called by the engine.
func (a *asker) Fail(err error) {
	a.err = requestError(a.subject, err)
	a.done <- struct{}{}
}

// noResponders is the status of a request that nobody listens to.
const noResponders = 503

// reply makes the user's message of an answer.
func (nc *Conn) reply(f *proto.Frame) *Msg {
	need := len(f.Subject) + len(f.Reply)
	if !f.Owned {
		need += len(f.Data)
	}
	m, buf := newReply(need)
	room := roll.Of(buf)
	m.Subject, m.Reply = room.Text(f.Subject), room.Text(f.Reply)
	if m.Data = f.Data; !f.Owned {
		m.Data = room.Bytes(f.Data)
	}
	m.Sub = nc.replySub()
	m.size = uint32(len(f.Subject) + len(f.Reply) + len(f.Header) + len(f.Data))
	if len(f.Header) > 0 {
		m.Header = nc.parseHeader(nil, string(f.Header), nil)
	}
	return m
}

// replySub stands in for the subscription of replies, which is the engine's: a reply can be responded to.
func (nc *Conn) replySub() *Subscription {
	if s := nc.replies.Load(); s != nil {
		return s
	}
	s := &Subscription{Subject: nc.Opts.inboxPrefix() + ".*.*", conn: nc, typ: uint8(SyncSubscription), state: subOver}
	if !nc.replies.CompareAndSwap(nil, s) {
		return nc.replies.Load()
	}
	return s
}

// Request publishes data and waits for the first reply, up to timeout. Later replies are ignored.
//
// Errors: [ErrTimeout]; [ErrNoResponders], at once, when nobody listens; [ErrConnectionClosed]; [ErrDisconnected] after
// [Conn.ForceReconnect]; and those of [Conn.Publish]. While reconnecting the request waits for the link, within its timeout. After
// anything but an error of Publish and ErrNoResponders it may have been received. With [FailFastRequests] a request whose link is lost, or
// whose subject is denied, ends at once with a [*RequestError].
func (nc *Conn) Request(subj string, data []byte, timeout time.Duration) (*Msg, error) {
	return nc.request(nil, timeout, subj, nil, data)
}

// RequestWithContext is [Conn.Request] with a context in place of a timeout. Without a deadline it waits as long as it takes. Errors beside those:
// [ErrInvalidContext] for nil, and the context's own.
func (nc *Conn) RequestWithContext(ctx context.Context, subj string, data []byte) (*Msg, error) {
	if ctx == nil {
		return nil, ErrInvalidContext
	}
	return nc.request(ctx, 0, subj, nil, data)
}

// RequestMsg is [Conn.Request] for a message with a header. Its reply subject is not used, and nothing of it is changed. Errors beside
// those: [ErrInvalidMsg] for nil, [ErrBadHeaderMsg], [ErrHeadersNotSupported].
func (nc *Conn) RequestMsg(msg *Msg, timeout time.Duration) (*Msg, error) {
	if msg == nil {
		return nil, ErrInvalidMsg
	}
	return nc.requestMsg(nil, timeout, msg)
}

// RequestMsgWithContext is [Conn.RequestMsg] with a context, see [Conn.RequestWithContext].
func (nc *Conn) RequestMsgWithContext(ctx context.Context, msg *Msg) (*Msg, error) {
	switch {
	case msg == nil:
		return nil, ErrInvalidMsg
	case ctx == nil:
		return nil, ErrInvalidContext
	}
	return nc.requestMsg(ctx, 0, msg)
}

func (nc *Conn) requestMsg(ctx context.Context, timeout time.Duration, m *Msg) (*Msg, error) {
	eng := nc.engine()
	switch {
	case eng == nil:
		return nil, ErrInvalidConnection
	case len(m.Header) == 0:
		return nc.request(ctx, timeout, m.Subject, nil, m.Data)
	}
	var buf [engine.HeaderRoom]byte
	hdr, err := eng.AppendHeader(buf[:0], m.Header)
	if err != nil {
		return nil, err
	}
	return nc.request(ctx, timeout, m.Subject, hdr, m.Data)
}

// request is bounded by ctx or, when that is nil, by timeout.
func (nc *Conn) request(ctx context.Context, timeout time.Duration, subj string, hdr, data []byte) (*Msg, error) {
	switch {
	case nc.engine() == nil:
		return nil, ErrInvalidConnection
	case !subject.ValidPublish(subj):
		return nil, ErrBadSubject
	case ctx != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case nc.Opts.UseOldRequestStyle:
		return nc.oldRequest(ctx, timeout, subj, hdr, data)
	}
	deadline := mono.Never
	if ctx == nil {
		deadline = mono.Now().Add(max(timeout, 0))
	}
	a := nc.asker()
	// Now: a request does not wait for room beyond its own time; the outbox has a reserve for such.
	o := engine.AskOpts{Now: true}
	if nc.Opts.FailFastRequests {
		a.subject, o.Track = subj, &a.track
	}
	token, err := nc.eng.Ask(subj, hdr, data, a, deadline, o)
	if err != nil {
		nc.askers.Put(a)
		return nil, requestError(subj, err)
	}
	if ctx == nil {
		<-a.done
		return a.release()
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		if nc.eng.Forget(token) {
			nc.eng.Doubt()
			nc.askers.Put(a)
			return nil, ctx.Err()
		}
		<-a.done // it is being told at this moment
	}
	return a.release()
}

// oldRequest makes a subscription for the one reply.
func (nc *Conn) oldRequest(ctx context.Context, timeout time.Duration, subj string, hdr, data []byte) (*Msg, error) {
	inbox := nc.NewInbox()
	s, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Unsubscribe() }() // it is over already after a reply
	if err := s.AutoUnsubscribe(1); err != nil {
		return nil, err
	}
	forget, err := nc.sendOld(s, subj, hdr, data)
	if err != nil {
		return nil, err
	}
	defer forget()
	if ctx != nil {
		return s.NextMsgWithContext(ctx)
	}
	return s.NextMsg(timeout)
}
