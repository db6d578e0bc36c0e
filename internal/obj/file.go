package obj

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/nats-io/nuid"
)

// PutFile is Put for a file, whose path names the object.
func (s *Store) PutFile(ctx context.Context, path string) (*Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return s.Put(ctx, &Meta{Name: path}, f, nil)
}

// maxTrust is how much memory is made for an object because its meta data says that it has so many bytes. More comes with the bytes.
const maxTrust = 16 << 20

// Bytes reads the object to its end and closes it.
func (o *Object) Bytes() ([]byte, error) {
	defer o.Close()
	g := gatherer{data: make([]byte, 0, min(o.Info().Size, maxTrust)), most: o.Info().Size}
	if _, err := o.WriteTo(&g); err != nil {
		return nil, err
	}
	return g.data, nil
}

// gatherer is an io.Writer that never has more room than the object will need.
type gatherer struct {
	data []byte
	most uint64
}

func (g *gatherer) Write(b []byte) (int, error) {
	if need := len(g.data) + len(b); need > cap(g.data) {
		grown := make([]byte, len(g.data), max(need, int(min(2*uint64(cap(g.data)), g.most))))
		copy(grown, g.data)
		g.data = grown
	}
	g.data = append(g.data, b...)
	return len(b), nil
}

// File reads the object to its end into a file, and closes it. A regular file appears, or is replaced, once all is well; anything else, a
// device for instance, is written to as the bytes come.
func (o *Object) File(path string) (err error) {
	defer o.Close()
	mode := os.FileMode(0o666)
	if old, err := os.Stat(path); err == nil {
		if !old.Mode().IsRegular() {
			return o.copyTo(os.OpenFile(path, os.O_WRONLY, 0))
		}
		mode = old.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	part := filepath.Join(filepath.Dir(path), ".gannet-"+nuid.Next())
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := o.copyTo(os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// copyTo writes the object to f, which it closes; err is that of opening f.
func (o *Object) copyTo(f *os.File, err error) error {
	if err != nil {
		return err
	}
	_, err = o.WriteTo(io.Writer(f))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
