package tour

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// NewJSON returns a [Reporter] that writes one JSON object for each chapter, each on a line of its own, when the chapter is over.
func NewJSON(w io.Writer) Reporter { return &jsonReporter{enc: json.NewEncoder(w)} }

type jsonReporter struct {
	mu  sync.Mutex
	enc *json.Encoder
}

// Result ignores a failed write: the reader is gone, and the tour has to clean up all the same.
func (j *jsonReporter) Result(r Result) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.enc.Encode(r)
}

func (*jsonReporter) Opening(Setting)             {}
func (*jsonReporter) Chapter(int, string, string) {}
func (*jsonReporter) Event(time.Duration, string) {}
func (*jsonReporter) Progress(string, int, int)   {}
func (*jsonReporter) Closing(Summary)             {}
