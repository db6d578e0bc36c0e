package jetstream

import (
	"fmt"

	"github.com/gannet-io/nats/internal/subject"
)

// Names become tokens of API subjects, so nothing is sent before they are checked.

func checkStream(name string) error {
	if name == "" {
		return ErrStreamNameRequired
	}
	if !subject.ValidName(name) {
		return fmt.Errorf("%w: %q", ErrInvalidStreamName, name)
	}
	return nil
}

func checkConsumer(name string) error {
	if name == "" {
		return fmt.Errorf("%w: name is required", ErrInvalidConsumerName)
	}
	if !subject.ValidName(name) {
		return fmt.Errorf("%w: %q", ErrInvalidConsumerName, name)
	}
	return nil
}

func checkNames(stream, consumer string) error {
	if err := checkStream(stream); err != nil {
		return err
	}
	return checkConsumer(consumer)
}

func checkSubject(s string) error {
	if s == "" {
		return fmt.Errorf("%w: subject cannot be empty", ErrInvalidSubject)
	}
	if !subject.ValidSubscribe(s) {
		return fmt.Errorf("%w: %s", ErrInvalidSubject, s)
	}
	return nil
}
