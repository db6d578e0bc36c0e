package natstest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The conversation with a server process: JSON lines on its standard input, first the settings, then queries; answers on its
// standard output, each after answerMark, because init functions of other packages may print there too. The end of its
// input tells the process that its parent is gone.
const (
	processEnv = "NATSTEST_SERVER_PROCESS"
	answerMark = "natstest:"
)

// process is a server in a process of its own.
type process struct {
	cmd     *exec.Cmd
	log     *journal
	timeout time.Duration
	answers chan answer
	end     chan struct{}

	turn   chan struct{} // who holds it may write to input and wait for the answer
	input  io.WriteCloser
	nextID int
}

// startProcess runs this program again, as a server, and returns when it accepts connections.
func startProcess(c settings, log *journal, timeout time.Duration) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{
		cmd: exec.Command(exe), log: log, timeout: timeout,
		answers: make(chan answer, 1), end: make(chan struct{}), turn: make(chan struct{}, 1),
	}
	// Under the race detector a program sleeps a second before it exits, unless told not to.
	p.cmd.Env = append(os.Environ(), processEnv+"=1", "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	p.cmd.Stderr = log
	p.cmd.WaitDelay = time.Second
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(output)
	if err := p.greet(c); err != nil {
		_ = p.kill()
		<-p.end
		return nil, err
	}
	return p, nil
}

// greet sends the settings; the answer to them has ID 0 and comes when the server is ready.
func (p *process) greet(c settings) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	_, err := p.talk(c, 0)
	return err
}

// listen passes answers on until the process ends. It is the only one that waits for the process.
func (p *process) listen(output io.Reader) {
	defer close(p.end)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, found := strings.CutPrefix(lines.Text(), answerMark)
		if !found {
			p.log.add(lines.Text())
			continue
		}
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			p.log.add("unreadable answer: " + text)
			continue
		}
		p.hear(a)
	}
	_, _ = io.Copy(io.Discard, output)
	_ = p.cmd.Wait() // how it ended is no news: stopped, killed, or its log tells
}

// hear hands over an answer. One that waits already nobody wanted: its question had timed out.
func (p *process) hear(a answer) {
	select {
	case <-p.answers:
	default:
	}
	p.answers <- a // has room: nobody else sends
}

func (p *process) ask(q query) (answer, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.nextID++
	q.ID = p.nextID
	return p.talk(q, q.ID)
}

// talk sends v and waits for the answer with that id. The caller has the turn.
func (p *process) talk(v any, id int) (answer, error) {
	if err := p.send(v); err != nil {
		return answer{}, err
	}
	timeout := time.NewTimer(p.timeout)
	defer timeout.Stop()
	for {
		select {
		case a := <-p.answers:
			if a.ID != id {
				continue // late answer to an earlier question
			}
			if a.Err != "" {
				return a, errors.New(a.Err)
			}
			return a, nil
		case <-p.end:
			return answer{}, fmt.Errorf("%w: its process ended%s", errNotRunning, p.log.tail())
		case <-timeout.C:
			return answer{}, fmt.Errorf("server process does not answer within %v%s", p.timeout, p.log.tail())
		}
	}
}

// send writes one line. A process that is gone is no longer reading, which shows as an error or in end.
func (p *process) send(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := p.input.Write(append(line, '\n')); err != nil {
		select {
		case <-p.end:
		case <-time.After(p.timeout):
		}
		return fmt.Errorf("%w: its process ended%s", errNotRunning, p.log.tail())
	}
	return nil
}

func (p *process) order(v verb) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	return p.send(query{Verb: v})
}

func (p *process) stop() error           { return p.order(stopServer) }
func (p *process) lameDuck() error       { return p.order(lameDuckServer) }
func (p *process) gone() <-chan struct{} { return p.end }

// kill is SIGKILL on Unix. It needs no turn: a process that does not answer must be killable.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
