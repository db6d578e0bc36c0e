package tour

import (
	"strings"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// message is what a reading asks of a message.
type message struct {
	jetstream.Msg // nil: nothing else is called
	id, text      string
	sequence      uint64
}

func (m message) Headers() nats.Header { return nats.Header{jetstream.MsgIDHeader: {m.id}} }
func (m message) Data() []byte         { return []byte(m.text) }
func (m message) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.sequence}}, nil
}

func TestReading(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                            string
		messages                        []message
		text                            string
		found, again, twice, outOfOrder int
		floor                           uint64
	}{
		{"in order", []message{{id: "S.0", text: "a", sequence: 1}, {id: "S.1", text: "b", sequence: 2}, {id: "S.2", text: "c", sequence: 3}}, "abc", 3, 0, 0, 0, 3},
		{"out of order in the stream", []message{{id: "S.2", text: "c", sequence: 1}, {id: "S.0", text: "a", sequence: 2}, {id: "S.1", text: "b", sequence: 3}}, "abc", 3, 0, 0, 2, 3},
		{"delivered again", []message{{id: "S.0", text: "a", sequence: 1}, {id: "S.0", text: "a", sequence: 1}}, "a", 1, 1, 0, 0, 1},
		{"stored twice", []message{{id: "S.0", text: "a", sequence: 1}, {id: "S.0", text: "a", sequence: 2}}, "a", 1, 0, 1, 0, 1},
		{"one missing", []message{{id: "S.0", text: "a", sequence: 1}, {id: "S.2", text: "c", sequence: 2}}, "ac", 2, 0, 0, 0, 2},
		{"a gap below", []message{{id: "S.0", text: "a", sequence: 1}, {id: "S.2", text: "c", sequence: 3}}, "ac", 2, 0, 0, 0, 1},
		{"the first missing", []message{{id: "S.1", text: "b", sequence: 2}}, "b", 1, 0, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := (&tour{stream: "S", pieces: make([][]byte, 3)}).newReading()
			for _, m := range tt.messages {
				if err := r.take(m); err != nil {
					t.Fatal(err)
				}
			}
			if got := string(r.text()); got != tt.text {
				t.Errorf("text: got %q, want %q", got, tt.text)
			}
			if r.found != tt.found || r.again != tt.again || r.twice != tt.twice || r.displaced() != tt.outOfOrder || r.floor() != tt.floor {
				t.Errorf("got found %d, again %d, twice %d, displaced %d, floor %d, want %d, %d, %d, %d, %d",
					r.found, r.again, r.twice, r.displaced(), r.floor(), tt.found, tt.again, tt.twice, tt.outOfOrder, tt.floor)
			}
			if r.complete() != (tt.found == 3) {
				t.Errorf("complete: got %v with %d of 3", r.complete(), tt.found)
			}
		})
	}
}

func TestReadingRefusesStrangers(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "S.", "S.3", "S.-1", "S.x", "T.0", "0", "S.99999999999999999999"} {
		r := (&tour{stream: "S", pieces: make([][]byte, 3)}).newReading()
		if err := r.take(message{id: id, sequence: 1}); err == nil || !strings.Contains(err.Error(), "which nobody has sent") {
			t.Errorf("id %q: got %v, want an error that says so", id, err)
		}
	}
}
