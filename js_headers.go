package nats

import "github.com/gannet-io/nats/internal/js/wire"

// Headers of a publish to a stream. Options set them; they can be set by hand too.
const (
	// MsgIdHdr holds an id by which the stream recognises a message that it has already.
	MsgIdHdr = wire.HdrMsgID
	// ExpectedStreamHdr holds the stream that must store the message.
	ExpectedStreamHdr = wire.HdrExpectedStream
	// ExpectedLastSeqHdr holds the last sequence that the stream must have.
	ExpectedLastSeqHdr = wire.HdrExpectedLastSeq
	// ExpectedLastSubjSeqHdr holds the last sequence that the message's subject must have.
	ExpectedLastSubjSeqHdr = wire.HdrExpectedLastSubjSeq
	// ExpectedLastMsgIdHdr holds the id that the last message of the stream must have.
	ExpectedLastMsgIdHdr = wire.HdrExpectedLastMsgID
	// MsgTTLHdr holds how long the message is kept: a Go duration, or "never".
	MsgTTLHdr = wire.HdrTTL
	// MsgRollup makes the message replace older ones: MsgRollupSubject or MsgRollupAll.
	MsgRollup = wire.HdrRollup
)

// Values of the header MsgRollup.
const (
	// MsgRollupSubject replaces older messages of the same subject.
	MsgRollupSubject = wire.RollupSubject
	// MsgRollupAll replaces all older messages of the stream.
	MsgRollupAll = wire.RollupAll
)

// Headers that the server adds to messages of a direct get and to republished ones.
const (
	// JSStream holds the name of the stream.
	JSStream = wire.HdrStream
	// JSSequence holds the sequence in the stream.
	JSSequence = wire.HdrSequence
	// JSTimeStamp holds the time at which the message was stored.
	JSTimeStamp = wire.HdrTimestamp
	// JSSubject holds the subject that the message was published on.
	JSSubject = wire.HdrSubject
	// JSLastSequence holds the sequence of the message before this one.
	JSLastSequence = wire.HdrLastSequence
	// MsgSize holds the size of a payload that was left out.
	MsgSize = wire.HdrMsgSize
)
