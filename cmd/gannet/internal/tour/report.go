package tour

import "time"

// Reporter shows a tour while it happens. Its methods may be called from several goroutines, and must not block for long.
type Reporter interface {
	Opening(Setting)
	Chapter(number int, title, idea string) // a chapter begins
	Event(at time.Duration, text string)    // something happened; at counts from the beginning of the tour
	Progress(doing string, done, total int) // how far the chapter is
	Result(Result)                          // the chapter is over
	Closing(Summary)
}

// Setting says what the tour works with.
type Setting struct {
	File   string
	Bytes  int
	Lines  int
	SHA256 string
	Server string // version and address
	Proxy  string // address
	Stream string
}

// Result is the verdict on a chapter.
type Result struct {
	Name    string  `json:"name"`
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
	Figures Figures `json:"figures"`
	Error   string  `json:"error,omitempty"` // why it is not OK
}

// Summary is what there is to say at the end.
type Summary struct {
	Results     []Result
	Elapsed     time.Duration
	Interrupted bool   // the last result is of a chapter that was not played to its end
	Left        string // what remains on the server
}
