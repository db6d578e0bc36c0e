package micro

import (
	"errors"
	"fmt"
)

// Errors of configurations and arguments wrap ErrConfigValidation with the reason; [errors.Is] finds it.
var (
	// ErrConfigValidation is what a bad [Config], endpoint or option leads to. Nothing was started then.
	ErrConfigValidation = errors.New("validation")
	// ErrVerbNotSupported is returned for a [Verb] that is none.
	ErrVerbNotSupported = errors.New("unsupported verb")
	// ErrServiceNameRequired is returned for the control subject of an id without a name.
	ErrServiceNameRequired = errors.New("service name is required to generate ID control subject")
	// ErrServiceStopped is returned for endpoints that are added to a stopped service, and is the cause of contexts that such a service ends.
	ErrServiceStopped = errors.New("service stopped")
)

// Errors of answers.
var (
	// ErrRespond is wrapped by failures to send an answer, together with the connection's reason.
	ErrRespond = errors.New("NATS error when sending response")
	// ErrMarshalResponse is returned for a value that has no JSON.
	ErrMarshalResponse = errors.New("marshaling response")
	// ErrArgRequired is wrapped where the code or the description of an error is missing.
	ErrArgRequired = errors.New("argument required")
	// ErrInvalidResponse is wrapped where an answer to a control request cannot be read.
	ErrInvalidResponse = errors.New("invalid response")
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrConfigValidation, fmt.Errorf(format, args...))
}

// NATSError is what went wrong with a subscription of a service. It goes to the [ErrHandler].
type NATSError struct {
	Subject     string // of the subscription
	Description string // what went wrong, in words
	err         error
}

// Error has both.
func (e *NATSError) Error() string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("%q: %s", e.Subject, e.Description)
}

// Unwrap is the cause, such as nats.ErrSlowConsumer or a [*PanicError]; nil in an error made by hand.
func (e *NATSError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.err
}

// Is reports whether target is a NATSError with the same subject and description.
func (e *NATSError) Is(target error) bool {
	other, ok := target.(*NATSError)
	if !ok || e == nil || other == nil {
		return ok && e == other
	}
	return e.Subject == other.Subject && e.Description == other.Description
}

// PanicError is a panic in a handler, a stats handler or middleware. The caller has been answered with code 500, unless the handler had answered
// already; the panic is not told to him. It goes to the [ErrHandler], wrapped in a [*NATSError].
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of the goroutine, as debug.Stack writes it
}

// maxPanicText bounds the text of a panic's value.
const maxPanicText = 1 << 10

// Error has the value, cut after 1 KiB; the stack is in Stack.
func (e *PanicError) Error() string {
	if e == nil {
		return ""
	}
	text := fmt.Sprint(e.Value)
	return "panic: " + text[:min(len(text), maxPanicText)]
}

// Unwrap is the value of the panic if that is an error.
func (e *PanicError) Unwrap() error {
	if e == nil {
		return nil
	}
	err, _ := e.Value.(error)
	return err
}

// ServiceError is an error that a service has answered with, see [Request].Error. [Client] returns it.
type ServiceError struct {
	Code        string  // as the service has chosen it, such as "404"
	Description string  // in the service's words
	Data        []byte  // that came with it
	Headers     Headers // all of the answer
}

// Error has code and description.
func (e *ServiceError) Error() string {
	if e == nil {
		return ""
	}
	return e.Code + ":" + e.Description
}
