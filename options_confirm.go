package nats

import (
	"fmt"
	"time"
)

// ConfirmEvery has the server confirm what is published, so that a [*LossError] after a lost link names few messages: a PING goes into the stream
// behind every so many bytes of messages, and interval after a message that none has followed. Either may be 0: not by that measure. Its answer
// confirms all messages before it. Nothing waits for it, and messages are not held up.
//
// A lost link then leaves at most those messages unconfirmed that were written within a round trip and interval, or that many bytes. The price
// is 6 bytes and a turn of the server for each. Silence behind published messages is also taken as doubt about the link, as it
// is behind requests.
//
// The default is neither: then messages are confirmed by [Conn.Flush], [Conn.RTT] and the pings of [PingInterval]. Connect
// returns [ErrInvalidArg] for negative values. JetStream publishes have acks of their own and need none of this.
func ConfirmEvery(bytes int, interval time.Duration) Option {
	return set(func(o *Options) { o.ConfirmBytes, o.ConfirmInterval = bytes, interval })
}

// ResendUnconfirmed keeps published messages until the server has confirmed them, and publishes them again when their link was lost before: at least once in
// the place of at most once. Order is kept among what arrives for the first time. Receivers must bear duplicates: all
// unconfirmed messages are sent again, whether they had arrived or not; [Health] counts them. Messages with a reply subject are not
// repeated, since their answer, or its absence, tells.
//
// At most bytes are written without being confirmed, plus what one message or one write has in excess; then writing waits for the server, and
// publishing in turn, as it does on a link that is too slow. So that is the memory it takes, and it should be more than the link carries in a round
// trip; 1 MiB is plenty in a data centre. A PING goes out at least every quarter of it, see [ConfirmEvery].
//
// 0, the default, sends nothing twice. Connect returns [ErrInvalidArg] for a negative value, and without a reconnect buffer
// ([ReconnectBufSize] below 0). What cannot be sent again because the connection is closed is told as a [*LossError].
func ResendUnconfirmed(bytes int) Option { return set(func(o *Options) { o.ResendBytes = bytes }) }

func (o *Options) checkConfirm() error {
	switch {
	case o.ConfirmBytes < 0:
		return fmt.Errorf("%w: ConfirmEvery: %d bytes", ErrInvalidArg, o.ConfirmBytes)
	case o.ConfirmInterval < 0:
		return fmt.Errorf("%w: ConfirmEvery: interval %v", ErrInvalidArg, o.ConfirmInterval)
	case o.ResendBytes < 0:
		return fmt.Errorf("%w: ResendUnconfirmed: %d bytes", ErrInvalidArg, o.ResendBytes)
	case o.ResendBytes > 0 && o.ReconnectBufSize < 0:
		return fmt.Errorf("%w: ResendUnconfirmed needs a reconnect buffer", ErrInvalidArg)
	}
	return nil
}
