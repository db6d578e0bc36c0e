// Package docs holds the project's documentation as one text, so that the program has a real file to work with wherever it runs.
//
//	docs/**/*.md ──► go generate ──► documentation.txt ──► embedded as Text
//
// A program cannot embed what lies outside of its module, hence the copy. A test keeps it equal to the original.
package docs
