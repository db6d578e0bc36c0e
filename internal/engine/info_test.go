package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
)

// What a server says before the PONG of a flush is known when the flush returns: getters, and the bound of what may be published. What only
// the first INFO says stays.
func TestInfoInFrontOfAPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, err := Connect(context.Background(), s.config(), Events{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		far := s.next()
		for i := range 1000 {
			flushed := make(chan error, 1)
			go func() {
				_, err := c.Flush(context.Background())
				if got := c.Info().MaxPayload; err == nil && got != int64(i+1) {
					err = fmt.Errorf("max payload %d, want %d", got, i+1)
				}
				if err == nil && c.Publish("a", "", nil, make([]byte, i+2)) == nil {
					err = fmt.Errorf("%d bytes were taken", i+2)
				}
				if err == nil && c.Info().RemoteAccount != "A" {
					err = fmt.Errorf("account %q, want A", c.Info().RemoteAccount)
				}
				flushed <- err
			}()
			far.expect("PING")
			account := ""
			if i == 0 {
				account = `,"remote_account":"A"`
			}
			far.send(fmt.Sprintf(`INFO {"server_id":"S","proto":1,"headers":true,"max_payload":%d%s}`+"\r\nPONG\r\n", i+1, account))
			if err := <-flushed; err != nil {
				t.Fatalf("INFO %d: %v", i, err)
			}
		}
	})
}
