// Package gannet holds the scenarios, written against gannet. Package natsgo is the same for nats.go, written by go generate: the
// two differ in import paths only, and an operation calls the library directly.
package gannet
