package wire

import "strings"

// DefaultPrefix precedes the API subjects of the account's own JetStream.
const DefaultPrefix = "$JS.API."

// Prefix is what precedes the API subjects: apiPrefix with its dot when there is one, else that of the domain,
// $JS.<domain>.API., else [DefaultPrefix].
func Prefix(domain, apiPrefix string) string {
	switch {
	case strings.HasSuffix(apiPrefix, "."):
		return apiPrefix
	case apiPrefix != "":
		return apiPrefix + "."
	case domain != "":
		return DomainPrefix(domain) + "."
	}
	return DefaultPrefix
}

// DomainPrefix is the API prefix of a domain as stream configurations hold it: without the final dot.
func DomainPrefix(domain string) string { return "$JS." + domain + ".API" }

// API subjects without a name, to stand behind the prefix.
const (
	AccountInfo = "INFO"
	StreamNames = "STREAM.NAMES"
	StreamList  = "STREAM.LIST"
)

// What precedes names.
const (
	streamDelete   = "STREAM.DELETE."
	consumerDelete = "CONSUMER.DELETE."
	pullNext       = "CONSUMER.MSG.NEXT."
)

// The functions below return the API subject of an operation, to stand behind the prefix. Names were checked by the caller
// ([github.com/gannet-io/nats/internal/subject.ValidName]): one with a dot or a wildcard would name something else.

// StreamCreate creates a stream.
func StreamCreate(stream string) string { return "STREAM.CREATE." + stream }

// StreamUpdate changes a stream.
func StreamUpdate(stream string) string { return "STREAM.UPDATE." + stream }

// StreamDelete deletes a stream.
func StreamDelete(stream string) string { return streamDelete + stream }

// StreamInfo asks about a stream.
func StreamInfo(stream string) string { return "STREAM.INFO." + stream }

// StreamPurge removes messages of a stream.
func StreamPurge(stream string) string { return "STREAM.PURGE." + stream }

// StreamMsgGet reads a message through the leader.
func StreamMsgGet(stream string) string { return "STREAM.MSG.GET." + stream }

// StreamMsgDelete removes a message.
func StreamMsgDelete(stream string) string { return "STREAM.MSG.DELETE." + stream }

// DirectGet reads a message from any replica; the payload is the request.
func DirectGet(stream string) string { return "DIRECT.GET." + stream }

// DirectGetLast reads the last message of a subject from any replica; it has no payload.
func DirectGetLast(stream, subject string) string { return DirectGet(stream) + "." + subject }

// ConsumerCreate creates or changes a consumer. It has the filter in its subject when there is exactly one; empty: none.
func ConsumerCreate(stream, consumer, filter string) string {
	s := ConsumerCreateEphemeral(stream) + "." + consumer
	if filter == "" {
		return s
	}
	return s + "." + filter
}

// ConsumerCreateEphemeral creates a consumer that the server names.
func ConsumerCreateEphemeral(stream string) string { return "CONSUMER.CREATE." + stream }

// ConsumerCreateDurable creates a durable consumer in the manner of servers before 2.9.
func ConsumerCreateDurable(stream, consumer string) string {
	return "CONSUMER.DURABLE.CREATE." + stream + "." + consumer
}

// ConsumerInfo asks about a consumer.
func ConsumerInfo(stream, consumer string) string { return "CONSUMER.INFO." + stream + "." + consumer }

// ConsumerDelete deletes a consumer.
func ConsumerDelete(stream, consumer string) string {
	return consumerDelete + stream + "." + consumer
}

// ConsumerPause pauses or resumes a consumer.
func ConsumerPause(stream, consumer string) string {
	return "CONSUMER.PAUSE." + stream + "." + consumer
}

// ConsumerUnpin frees a pinned group.
func ConsumerUnpin(stream, consumer string) string {
	return "CONSUMER.UNPIN." + stream + "." + consumer
}

// ConsumerReset moves a consumer to another sequence.
func ConsumerReset(stream, consumer string) string {
	return "CONSUMER.RESET." + stream + "." + consumer
}

// ConsumerNames lists the names of consumers.
func ConsumerNames(stream string) string { return "CONSUMER.NAMES." + stream }

// ConsumerList lists consumers.
func ConsumerList(stream string) string { return "CONSUMER.LIST." + stream }

// IsDeletion reports whether an operation, without the prefix, is to delete a stream or a consumer.
func IsDeletion(operation string) bool {
	return strings.HasPrefix(operation, streamDelete) || strings.HasPrefix(operation, consumerDelete)
}

// Deletes reports whether a request, with its prefix, deletes a consumer or the stream that it belongs to.
func Deletes(request, prefix, stream, consumer string) bool {
	operation, ok := strings.CutPrefix(request, prefix)
	return ok && (operation == StreamDelete(stream) || operation == ConsumerDelete(stream, consumer))
}

// PulledFrom takes a [PullSubject] behind a prefix apart. It returns nothing for another subject.
func PulledFrom(subject string) (prefix, stream, consumer string) {
	subject, consumer = cutLast(subject)
	subject, stream = cutLast(subject)
	prefix, ok := strings.CutSuffix(subject, strings.TrimSuffix(pullNext, "."))
	if !ok {
		return "", "", ""
	}
	return prefix, stream, consumer
}

func cutLast(subject string) (before, last string) {
	i := strings.LastIndexByte(subject, '.')
	return subject[:max(i, 0)], subject[i+1:]
}

// PullSubject is where a pull request goes.
func PullSubject(stream, consumer string) string {
	return pullNext + stream + "." + consumer
}
