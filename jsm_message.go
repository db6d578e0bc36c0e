package nats

import (
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

func (j *js) GetMsg(name string, seq uint64, opts ...JSOpt) (*RawStreamMsg, error) {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return nil, err
	}
	return c.getMsg(name, wire.MsgGetRequest{Seq: seq, NextFor: c.opts.directNext})
}

func (j *js) GetLastMsg(name, subj string, opts ...JSOpt) (*RawStreamMsg, error) {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return nil, err
	}
	if subj != "" && !subject.ValidSubscribe(subj) {
		return nil, ErrBadSubject
	}
	return c.getMsg(name, wire.MsgGetRequest{LastFor: subj})
}

func (c *jsCall) getMsg(stream string, req wire.MsgGetRequest) (*RawStreamMsg, error) {
	var m wire.StoredMsg
	var refused *wire.APIError
	var err error
	switch {
	case !c.opts.direct:
		m, refused, err = api.GetMsg(c.ctx, c.api, stream, req)
	case req.LastFor != "":
		m, refused, err = api.DirectGetLast(c.ctx, c.api, stream, req.LastFor)
	default:
		m, refused, err = api.DirectGet(c.ctx, c.api, stream, req)
	}
	if err := jsFailure(refused, err, ErrMsgNotFound, ErrStreamNotFound); err != nil {
		return nil, err
	}
	h, err := jsHeader(m.Header)
	if err != nil {
		return nil, err
	}
	return &RawStreamMsg{Subject: m.Subject, Sequence: m.Sequence, Header: h, Data: m.Data, Time: m.Time}, nil
}

func (j *js) DeleteMsg(name string, seq uint64, opts ...JSOpt) error {
	return j.deleteMsg(name, wire.MsgDeleteRequest{Seq: seq, NoErase: true}, opts)
}

func (j *js) SecureDeleteMsg(name string, seq uint64, opts ...JSOpt) error {
	return j.deleteMsg(name, wire.MsgDeleteRequest{Seq: seq}, opts)
}

func (j *js) deleteMsg(name string, req wire.MsgDeleteRequest, opts []JSOpt) error {
	c, err := j.streamCall(name, opts)
	if err != nil {
		return err
	}
	_, err = jsAsk[wire.Done](c, wire.StreamMsgDelete(name), req)
	return err
}
