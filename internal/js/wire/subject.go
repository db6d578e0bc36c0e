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

// The functions below return the API subject of an operation, to stand behind the prefix. Names were checked by the caller
// ([github.com/gannet-io/nats/internal/subject.ValidName]): one with a dot or a wildcard would name something else.

func StreamCreate(stream string) string    { return "STREAM.CREATE." + stream }
func StreamUpdate(stream string) string    { return "STREAM.UPDATE." + stream }
func StreamDelete(stream string) string    { return "STREAM.DELETE." + stream }
func StreamInfo(stream string) string      { return "STREAM.INFO." + stream }
func StreamPurge(stream string) string     { return "STREAM.PURGE." + stream }
func StreamMsgGet(stream string) string    { return "STREAM.MSG.GET." + stream }
func StreamMsgDelete(stream string) string { return "STREAM.MSG.DELETE." + stream }

// DirectGet takes a request as its payload; DirectGetLast takes none, and subject is the message's.
func DirectGet(stream string) string              { return "DIRECT.GET." + stream }
func DirectGetLast(stream, subject string) string { return "DIRECT.GET." + stream + "." + subject }

// ConsumerCreate has the filter in its subject when there is exactly one; empty: none.
func ConsumerCreate(stream, consumer, filter string) string {
	if filter == "" {
		return "CONSUMER.CREATE." + stream + "." + consumer
	}
	return "CONSUMER.CREATE." + stream + "." + consumer + "." + filter
}

// ConsumerCreateEphemeral lets the server choose the name, and ConsumerCreateDurable is the form of servers before 2.9.
func ConsumerCreateEphemeral(stream string) string { return "CONSUMER.CREATE." + stream }
func ConsumerCreateDurable(stream, consumer string) string {
	return "CONSUMER.DURABLE.CREATE." + stream + "." + consumer
}

func ConsumerInfo(stream, consumer string) string { return "CONSUMER.INFO." + stream + "." + consumer }
func ConsumerDelete(stream, consumer string) string {
	return "CONSUMER.DELETE." + stream + "." + consumer
}
func ConsumerNames(stream string) string { return "CONSUMER.NAMES." + stream }
func ConsumerList(stream string) string  { return "CONSUMER.LIST." + stream }
func ConsumerPause(stream, consumer string) string {
	return "CONSUMER.PAUSE." + stream + "." + consumer
}
func ConsumerUnpin(stream, consumer string) string {
	return "CONSUMER.UNPIN." + stream + "." + consumer
}
func ConsumerReset(stream, consumer string) string {
	return "CONSUMER.RESET." + stream + "." + consumer
}

// PullSubject is where a pull request goes.
func PullSubject(stream, consumer string) string {
	return "CONSUMER.MSG.NEXT." + stream + "." + consumer
}
