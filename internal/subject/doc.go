// Package subject checks and matches subjects, queue names and the names of streams and consumers.
//
// A subject is a list of tokens with dots between them. In a pattern the token * stands for exactly one token, and > as
// the last token for one or more:
//
//	orders.*.eu     orders.7.eu        but not orders.eu, orders.7.8.eu
//	orders.>        orders.7.eu        but not orders
//
// All functions are pure, take any bytes, and may be called from everywhere.
package subject
