package kv

import (
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// The initial entries are counted down. The count misses those that expire, or are purged, before the server has sent them, and then the mark
// behind them would come with the next entry only, or never. So a watch that waits for it in vain asks the server.

// progress is how many entries have been handled, and whether the mark is no question any more.
func (w *Watcher[E]) progress() (handled uint64, marked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handled, w.marked
}

// complete reports, once, that the mark has to be sent: nothing that matches is stored behind the last entry, and nothing has been handled since
// there were so many. Any doubt is a no.
func (w *Watcher[E]) complete(handled uint64) bool {
	next, idle := w.behind()
	if !idle {
		return false
	}
	for _, filter := range w.filters {
		_, refused, err := api.GetMsg(w.ctx, w.store.cfg.API, w.store.stream, wire.MsgGetRequest{Seq: next, NextFor: filter})
		if err != nil || refused == nil || refused.ErrCode != wire.ErrCodeMessageNotFound {
			return false
		}
	}
	return w.due(handled)
}

// behind is the revision from which entries are still to come, if none is in hand.
func (w *Watcher[E]) behind() (next uint64, idle bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.last+1, w.opts.From, 1), !w.busy
}

func (w *Watcher[E]) due(handled uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.busy && w.handled == handled && w.dueLocked()
}
