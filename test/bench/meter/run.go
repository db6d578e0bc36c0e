package meter

import (
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// Figures are what one run of one scenario came to.
type Figures struct {
	Ops        int
	CPU        time.Duration // user and system time of the process, for all operations
	Wall       time.Duration
	Mallocs    uint64        // objects allocated
	Allocated  uint64        // bytes allocated
	Base, Peak int64         // resident bytes: at the start of the process, and at most
	Held       uint64        // bytes of heap and stacks that the operations left in use; only where Hold was called
	Goroutines int           // left by the operations; only where Hold was called
	P50, P99   time.Duration // of the sampled operations; 0 without samples
	Writes     int64         // write calls of the process; 0: not known
	Switches   int64         // times that its threads waited or were interrupted
	Wire       int64         // bytes that must at least have reached the fake server; 0: not known
}

// Run is one run of a scenario inside of its process.
type Run struct {
	Job
	fig     Figures
	from    snapshot
	profile *os.File

	mu       sync.Mutex
	samplers []*Sampler
}

type snapshot struct {
	usage      usage
	wall       time.Time
	mem        runtime.MemStats
	goroutines int
}

// New starts a run. It is to be called before the client library is used: what the process occupies now is not
// put down to the library.
func New(j Job) *Run {
	return &Run{Job: j, fig: Figures{Base: resident()}}
}

// Begin starts the measured stretch. It collects garbage, so that what came before is not paid for later.
func (r *Run) Begin() error {
	if r.Job.Profile != "" {
		f, err := os.Create(r.Job.Profile)
		if err != nil {
			return err
		}
		r.profile = f
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
	}
	runtime.GC()
	r.from.goroutines = runtime.NumGoroutine()
	runtime.ReadMemStats(&r.from.mem)
	r.from.usage = used()
	r.from.wall = time.Now()
	return nil
}

// End ends the measured stretch.
func (r *Run) End() {
	wall, use := time.Since(r.from.wall), used()
	r.fig.Ops = r.Ops
	r.fig.Wall, r.fig.CPU = wall, use.cpu-r.from.usage.cpu
	r.fig.Writes, r.fig.Switches = use.writes-r.from.usage.writes, use.switches-r.from.usage.switches
	if r.profile != nil {
		pprof.StopCPUProfile()
		_ = r.profile.Close()
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	r.fig.Mallocs = mem.Mallocs - r.from.mem.Mallocs
	r.fig.Allocated = mem.TotalAlloc - r.from.mem.TotalAlloc
	r.fig.Peak = peakResident()
}

// Hold records what the operations still occupy. It comes after End, while what they made is in use.
func (r *Run) Hold() {
	r.fig.Goroutines = runtime.NumGoroutine() - r.from.goroutines
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	now, before := mem.HeapAlloc+mem.StackInuse, r.from.mem.HeapAlloc+r.from.mem.StackInuse
	r.fig.Held = now - min(now, before)
}

// Sent says that so many bytes must have reached the fake server, which counts them.
func (r *Run) Sent(bytes int) { r.fig.Wire = int64(bytes) }

// Figures are the results; valid after End, and after all workers with a sampler have ended.
func (r *Run) Figures() Figures {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []time.Duration
	for _, s := range r.samplers {
		all = append(all, s.took...)
	}
	if len(all) > 0 {
		slices.Sort(all)
		r.fig.P50, r.fig.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return r.fig
}

// Sampler collects the latencies of one worker, one operation in every so many.
type Sampler struct {
	every int
	took  []time.Duration
}

// Sampler is a worker's own; room is made now for the samples of n operations.
func (r *Run) Sampler(n, every int) *Sampler {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Sampler{every: every, took: make([]time.Duration, 0, n/every+1)}
	r.samplers = append(r.samplers, s)
	return s
}

// Due tells whether operation i is to be timed.
func (s *Sampler) Due(i int) bool { return i%s.every == 0 }

// Add records one operation.
func (s *Sampler) Add(d time.Duration) { s.took = append(s.took, d) }

// Load keeps every processor busy with arithmetic until stop is called, if the job asks for it; otherwise it does nothing.
func (r *Run) Load() (stop func()) {
	if !r.Busy {
		return func() {}
	}
	end := make(chan struct{})
	var all sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for x := uint64(1); ; {
				for range 1 << 16 {
					x = x*6364136223846793005 + 1442695040888963407
				}
				select {
				case <-end:
					sum.Store(x)
					return
				default:
				}
			}
		})
	}
	return func() {
		close(end)
		all.Wait()
	}
}
