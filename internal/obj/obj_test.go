package obj

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "A-b_9": true, "": false, "a.b": false, "a b": false, "*": false, ">": false, "ä": false, "a/b": false, "a\x00": false,
	} {
		if got := ValidBucket(name); got != want {
			t.Errorf("ValidBucket(%q): got %v, want %v", name, got, want)
		}
	}
	for stream, want := range map[string]string{"OBJ_a": "a", "OBJ_": "", "KV_a": "", "OBJ_a.b": "", "a": ""} {
		if got, ok := BucketOf(stream); ok != (want != "") || ok && got != want {
			t.Errorf("BucketOf(%q): got %q %v, want %q", stream, got, ok, want)
		}
	}
	for nuid, want := range map[string]bool{"abc": true, "": false, ">": false, "*": false, "a.b": false, "a b": false, "a\r\nPUB x 0": false, strings.Repeat("n", 200): false} {
		if got := validNUID(nuid); got != want {
			t.Errorf("validNUID(%q): got %v, want %v", nuid, got, want)
		}
	}
	if got, want := metaSubject("b", "a b/*.>"), "$O.b.M.YSBiLyouPg=="; got != want {
		t.Errorf("metaSubject: got %s, want %s", got, want)
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	sum := bytes.Repeat([]byte{0xfb}, 32)
	if got, err := ParseDigest(Digest(sum)); err != nil || !bytes.Equal(got, sum) {
		t.Errorf("got %x, %v, want %x", got, err, sum)
	}
	for digest, want := range map[string]error{Digest(sum): nil, Digest(sum[1:]): DigestMismatch, "": BadDigest, "SHA-256": BadDigest, "SHA-256=?": BadDigest} {
		if got := matches(digest, sum); got != want {
			t.Errorf("matches(%q): got %v, want %v", digest, got, want)
		}
	}
}

func TestInfoOnTheWire(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	info := &Info{Meta: Meta{Name: "n", Opts: &Options{ChunkSize: 131072}}, Bucket: "B", NUID: "N", Size: 5, Chunks: 1, Digest: "SHA-256=x", ModTime: at}
	data, err := info.encode()
	want := `{"name":"n","options":{"max_chunk_size":131072},"bucket":"B","nuid":"N","size":5,"mtime":"0001-01-01T00:00:00Z","chunks":1,"digest":"SHA-256=x"}`
	if err != nil || string(data) != want {
		t.Fatalf("got %s, %v, want %s", data, err, want)
	}
	back, err := parseInfo(data, 7, at)
	if err != nil || back.seq != 7 || !back.ModTime.Equal(at) || !back.says(data) {
		t.Errorf("got %+v, %v", back, err)
	}
	var none *Info
	if none.says(data) {
		t.Error("nothing says something")
	}
}

// Meta data comes from whoever may publish on the bucket's subjects.
func TestHostileInfo(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "null", "[]", "7", `"x"`, "{", `{}`, `{"name":""}`, `{"name":7}`, `{"name":"x","size":-1}`, `{"name":"x","chunks":4294967296}`,
		`{"name":"x","size":1e99}`, `{"name":"x","options":[]}`, `{"name":"x","headers":{"a":7}}`, strings.Repeat(`{"options":`, 20000)} {
		if info, err := parseInfo([]byte(data), 1, time.Time{}); err != BadMeta {
			t.Errorf("%.40s: got %+v, %v, want %v", data, info, err, BadMeta)
		}
	}
}

func FuzzInfo(f *testing.F) {
	f.Add([]byte(`{"name":"n","options":{"link":{"bucket":"B"}},"bucket":"B","nuid":"N","size":5,"chunks":1,"digest":"SHA-256=x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := parseInfo(data, 1, time.Time{})
		if err != nil {
			return
		}
		if info.Name == "" || !json.Valid(data) {
			t.Errorf("%q was read as %+v", data, info)
		}
		again, err := info.encode()
		if err != nil || !info.says(again) {
			t.Errorf("%q: written as %q, %v", data, again, err)
		}
		_ = matches(info.Digest, nil)
		_ = info.link()
	})
}

func TestSourceCuts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 9, 10, 11, 19, 20, 21, 100} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"plain": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "EOF with data": iotest.DataErrReader,
		} {
			data := bytes.Repeat([]byte("0123456789x"), 20)[:size]
			s := newSource(wrap(bytes.NewReader(data)), 10)
			var all []byte
			for {
				b, err := s.next(never)
				if err != nil {
					t.Fatalf("%d, %s: %v", size, name, err)
				}
				if b == nil {
					break
				}
				if left := size - len(all); len(b.data) != min(10, left) {
					t.Errorf("%d, %s: chunk of %d with %d left", size, name, len(b.data), left)
				}
				all = append(all, b.data...)
				s.release(b)
			}
			s.close()
			s.close()
			if !bytes.Equal(all, data) {
				t.Errorf("%d, %s: got %q, want %q", size, name, all, data)
			}
			if err := matches(s.digest(), digestOf(data)); err != nil {
				t.Errorf("%d, %s: digest: %v", size, name, err)
			}
		}
	}
}

func digestOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

func never() error { return nil }

type reader func([]byte) (int, error)

func (r reader) Read(b []byte) (int, error) { return r(b) }

func TestBadReaders(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		r    reader
		want error
	}{
		"negative":  {func([]byte) (int, error) { return -1, nil }, errBadReader},
		"too much":  {func(b []byte) (int, error) { return len(b) + 1, nil }, errBadReader},
		"nothing":   {func([]byte) (int, error) { return 0, nil }, io.ErrNoProgress},
		"error":     {func([]byte) (int, error) { return 0, broken }, broken},
		"with data": {func([]byte) (int, error) { return 3, broken }, broken},
	} {
		s := newSource(tc.r, 10)
		if b, err := s.next(never); b != nil || err != tc.want {
			t.Errorf("%s: got %v, %v, want %v", name, b, err, tc.want)
		}
		s.close()
	}
	if s := newSource(nil, 10); s.digest() != "" {
		t.Error("no reader: a digest")
	}
}

// A reader that is slow over a chunk must not hold up the end.
func TestSourceEndsBetweenReads(t *testing.T) {
	t.Parallel()
	ended := errors.New("ended")
	reads := 0
	s := newSource(reader(func([]byte) (int, error) { reads++; return 1, nil }), 1000)
	defer s.close()
	b, err := s.next(func() error {
		if reads == 3 {
			return ended
		}
		return nil
	})
	if b != nil || err != ended || reads != 3 {
		t.Errorf("got %v, %v after %d reads, want %v after 3", b, err, reads, ended)
	}
}

func TestGathererGrowsWithWhatComes(t *testing.T) {
	t.Parallel()
	g := gatherer{most: 1 << 60}
	for range 1000 {
		if _, err := g.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.data) != 1000000 || cap(g.data) > 3000000 {
		t.Errorf("got %d bytes in room for %d", len(g.data), cap(g.data))
	}
}
