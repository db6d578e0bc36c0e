package micro

import "time"

// FindOpt says which services a [Client] asks, and how long it waits for them. Nil options are skipped.
type FindOpt func(*findOpts) error

type findOpts struct {
	name, id       string
	max            int
	stall, timeout time.Duration
}

// Defaults of a search.
const defaultStall = 300 * time.Millisecond

// FindName asks the instances of one service.
func FindName(name string) FindOpt {
	return func(o *findOpts) error {
		if !validName(name) {
			return invalid("invalid service name")
		}
		o.name, o.id = name, ""
		return nil
	}
}

// FindInstance asks one instance of a service. It sets [FindMax] to 1.
func FindInstance(name, id string) FindOpt {
	return func(o *findOpts) error {
		if !validName(name) || !validName(id) {
			return invalid("invalid service name or id")
		}
		o.name, o.id, o.max = name, id, 1
		return nil
	}
}

// FindMax ends the search with the n-th answer. 0, the default: there is no such end. Negative is [ErrConfigValidation].
func FindMax(n int) FindOpt {
	return func(o *findOpts) error {
		if n < 0 {
			return invalid("the number of answers must not be negative")
		}
		o.max = n
		return nil
	}
}

// FindStall ends the search when nobody has answered for d: 300 ms by default. 0 or less is [ErrConfigValidation].
func FindStall(d time.Duration) FindOpt {
	return func(o *findOpts) error {
		if d <= 0 {
			return invalid("the stall must be positive")
		}
		o.stall = d
		return nil
	}
}

// FindTimeout ends the search after d, however many have answered: 5 s by default. 0 or less is [ErrConfigValidation].
func FindTimeout(d time.Duration) FindOpt {
	return func(o *findOpts) error {
		if d <= 0 {
			return invalid("the timeout must be positive")
		}
		o.timeout = d
		return nil
	}
}

func findOptions(opts []FindOpt) (findOpts, error) {
	o := findOpts{stall: defaultStall, timeout: defaultPatience}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}
