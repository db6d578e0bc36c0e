package tour

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// Errors of [Run], to be tested with [errors.Is].
var (
	ErrFailed      = errors.New("a chapter of the tour failed")
	ErrNoJetStream = errors.New("JetStream is off")
	ErrInterrupted = errors.New("interrupted")
)

// chapterLimit bounds a chapter as a whole; each wait in it has a shorter bound of its own.
const chapterLimit = 2 * time.Minute

// Config says what the tour works with. The zero value is the embedded server and the project's documentation.
type Config struct {
	File   string // a file to stream
	Server string // URL of the user's server
	Creds  string // credentials file for it
}

// tour is one run.
type tour struct {
	*stage
	report Reporter
	source source
	pieces [][]byte
	stream string
	began  time.Time

	// What the two readings have brought; nil before.
	throughHole, aroundReaper *reading
}

// chapter is a scene and its verdict. run returns what it has measured, also with an error, which means that it failed.
type chapter struct {
	name, title, idea string
	run               func(context.Context, *tour) (Figures, error)
}

// Run plays all chapters and tells report. It returns nil if all held, [ErrFailed] if one did not, [ErrInterrupted] if the context ended
// first, [ErrNoJetStream] if the server has none, and other errors if the tour could not begin. However it ends, it leaves neither a stream
// on the server nor anything that runs; an error says so if the stream could not be deleted.
//
// The chapters after one that failed are not played, since each needs what the others have done; they count as failed.
func Run(ctx context.Context, cfg Config, report Reporter) error {
	src, err := load(cfg.File)
	if err != nil {
		return err
	}
	t := &tour{report: report, source: src, stream: uniqueName(), began: time.Now()}
	t.stage, err = setUp(ctx, cfg, func(err error) { t.say("the connection says: %v", err) })
	defer t.close()
	if err != nil {
		return interrupted(ctx, err)
	}
	t.pieces = cut(src.data, t.pieceLimit())
	report.Opening(t.setting())
	results := t.play(ctx)
	cleanup := t.deleteStream(ctx, t.stream)
	report.Closing(Summary{results, time.Since(t.began), ctx.Err() != nil, t.left(cleanup)})
	return t.verdict(ctx, results, cleanup)
}

// interrupted prefers the context's error, which is the cause if both are there.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return err
}

func (t *tour) verdict(ctx context.Context, results []Result, cleanup error) (err error) {
	for _, r := range results {
		if !r.OK {
			err = fmt.Errorf("%w: %s", ErrFailed, r.Name)
			break
		}
	}
	err = interrupted(ctx, err)
	switch {
	case cleanup == nil:
		return err
	case err == nil:
		return errors.New(t.left(cleanup))
	}
	return fmt.Errorf("%w; %s", err, t.left(cleanup))
}

// left says what remains on the server.
func (t *tour) left(err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("the stream %s could not be deleted: %v", t.stream, err)
	case t.server != nil:
		return "the embedded server ends with it"
	default:
		return "nothing is left on the server"
	}
}

func (t *tour) play(ctx context.Context) []Result {
	var results []Result
	for i, c := range chapters() {
		if len(results) > 0 && !results[i-1].OK {
			if ctx.Err() != nil {
				return results
			}
			results = append(results, Result{Name: c.name, Error: "not played: it needs the one before"})
			t.report.Chapter(i+1, c.title, c.idea)
		} else {
			t.report.Chapter(i+1, c.title, c.idea)
			results = append(results, t.act(ctx, c))
		}
		t.report.Result(results[i])
	}
	return results
}

// act plays one chapter.
func (t *tour) act(ctx context.Context, c chapter) Result {
	limited, cancel := context.WithTimeout(ctx, chapterLimit)
	defer cancel()
	began := time.Now()
	figures, err := c.run(limited, t)
	if err != nil {
		err = interrupted(ctx, err)
	}
	r := Result{Name: c.name, OK: err == nil, Seconds: roundSeconds(time.Since(began)), Figures: figures}
	if err != nil {
		r.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return r
}

// say adds a line to the timeline.
func (t *tour) say(format string, args ...any) {
	t.report.Event(time.Since(t.began), fmt.Sprintf(format, args...))
}

func (t *tour) setting() Setting {
	return Setting{
		File: t.source.name, Bytes: len(t.source.data), Lines: len(t.pieces), SHA256: fmt.Sprintf("%x", t.source.sum),
		Server: t.describe(), Proxy: t.proxy.Addr(), Stream: t.stream,
	}
}

// pieceLimit leaves room for headers in what the server takes.
func (t *tour) pieceLimit() int {
	const headers = 512
	return max(1, min(maxPiece, int(t.direct.MaxPayload())-headers))
}

// uniqueName is used for the stream, and in lower case for its subject.
func uniqueName() string { return fmt.Sprintf("GANNET_TOUR_%08X", rand.Uint32()) }

func (t *tour) subject() string { return strings.ToLower(t.stream) + ".line" }

// id is the message id of a piece; number is its inverse.
func (t *tour) id(piece int) string { return fmt.Sprintf("%s.%d", t.stream, piece) }

// streamConfig is what the tour works with on any account, also one that asks for limits.
func (t *tour) streamConfig() jetstream.StreamConfig {
	const perMessage = 1024 // subject, headers and the server's own bytes, generously
	return jetstream.StreamConfig{
		Name:        t.stream,
		Description: "made by gannet tour, which deletes it at its end",
		Subjects:    []string{t.subject()},
		Storage:     jetstream.FileStorage,
		MaxBytes:    int64(len(t.source.data) + len(t.pieces)*perMessage),
		Discard:     jetstream.DiscardNew,
		Duplicates:  duplicateWindow,
	}
}

// duplicateWindow is longer than the tour may take from the first publish to the last.
const duplicateWindow = 2*chapterLimit + chapterLimit

// lastSequence asks the server over the direct connection.
func (t *tour) lastSequence(ctx context.Context) (uint64, error) {
	info, err := t.streamInfo(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

func (t *tour) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	stream, err := t.directJS.Stream(ctx, t.stream)
	if err != nil {
		return nil, fmt.Errorf("asking about the stream: %w", err)
	}
	return stream.CachedInfo(), nil
}

// pause waits, but not beyond the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
