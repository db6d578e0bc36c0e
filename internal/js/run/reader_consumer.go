package run

import "time"

// readerConsumer is the configuration of a Reader's consumer. The server forgets it after its default of inactivity: nobody who subscribes
// to its inbox.
type readerConsumer struct {
	Name           string            `json:"name"`
	DeliverPolicy  string            `json:"deliver_policy"`
	OptStartSeq    uint64            `json:"opt_start_seq,omitempty"`
	OptStartTime   *time.Time        `json:"opt_start_time,omitempty"`
	AckPolicy      string            `json:"ack_policy"`
	AckWait        time.Duration     `json:"ack_wait"`
	MaxDeliver     int               `json:"max_deliver"`
	FilterSubject  string            `json:"filter_subject,omitempty"`
	FilterSubjects []string          `json:"filter_subjects,omitempty"`
	ReplayPolicy   string            `json:"replay_policy"`
	FlowControl    bool              `json:"flow_control"`
	Heartbeat      time.Duration     `json:"idle_heartbeat"`
	HeadersOnly    bool              `json:"headers_only,omitempty"`
	DeliverSubject string            `json:"deliver_subject"`
	Replicas       int               `json:"num_replicas"`
	MemoryStorage  bool              `json:"mem_storage"`
	Metadata       map[string]string `json:"metadata,omitempty"`
}

// orderedAckWait is long: nothing is ever acknowledged.
const orderedAckWait = 22 * time.Hour

// consumer is the configuration of one of the reader's consumers.
func (c *ReaderConfig[M]) consumer(name, inbox string, start ReaderStart) (config any, filter string) {
	rc := readerConsumer{
		Name: name, DeliverSubject: inbox,
		AckPolicy: "none", AckWait: orderedAckWait, MaxDeliver: 1, ReplayPolicy: "instant",
		FlowControl: true, Heartbeat: c.Heartbeat, HeadersOnly: c.HeadersOnly,
		Replicas: 1, MemoryStorage: true, Metadata: c.Metadata,
	}
	switch len(c.Filters) {
	case 0:
	case 1:
		if filter = c.Filters[0]; filter == ">" {
			filter = ""
		}
		rc.FilterSubject = c.Filters[0]
	default:
		rc.FilterSubjects = c.Filters
	}
	switch start.Policy {
	case ReadLast:
		rc.DeliverPolicy = "last"
	case ReadLastPerSubject:
		rc.DeliverPolicy = "last_per_subject"
		if len(c.Filters) == 0 { // the server wants to be told which subjects
			rc.FilterSubject = ">"
		}
	case ReadNew:
		rc.DeliverPolicy = "new"
	case ReadFromSeq:
		rc.DeliverPolicy, rc.OptStartSeq = "by_start_sequence", max(start.Seq, 1)
	case ReadFromTime:
		rc.DeliverPolicy, rc.OptStartTime = "by_start_time", &start.Time
	default:
		rc.DeliverPolicy = "all"
	}
	return rc, filter
}
