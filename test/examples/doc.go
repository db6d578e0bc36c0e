// Package examples runs the examples of the library against a real server.
//
//	../../example_test.go, ../../jetstream/*example_test.go, ../../micro/*example_test.go
//	        │  go test . -run TestProgramsAreFresh -update
//	        ▼
//	programs_*_test.go ──► TestExamples, each with a check of what it printed and did
//
// The examples themselves have no server to run against, so they are only compiled where they stand. Here the same bodies run, with
// the address of a server of the test in place of the default one.
package examples
