//go:build !linux

package natstest

// holdPort does nothing where binding a port without listening does not keep others away.
func holdPort(int) (release func()) { return func() {} }
