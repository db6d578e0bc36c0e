package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// answerJetStream answers whatever asks JetStream, at once and with success: there is every stream, consumer, bucket, key and object.
func answerJetStream(c *peerConn, subject, reply string, data []byte) {
	sid := c.sidOf(reply)
	if sid == "" {
		return
	}
	msg := func(subject, reply, block, payload string) {
		if block != "" {
			block = "NATS/1.0" + block + "\r\n\r\n"
			c.send(fmt.Sprintf("HMSG %s %s %s %d %d\r\n%s%s\r\n", subject, sid, reply, len(block), len(block)+len(payload), block, payload))
			return
		}
		c.send(fmt.Sprintf("MSG %s %s %s %d\r\n%s\r\n", subject, sid, reply, len(payload), payload))
	}
	tokens := strings.SplitN(subject, ".", 6)
	switch {
	case strings.HasPrefix(subject, "$JS.API.CONSUMER.MSG.NEXT."):
		msg("b", "$JS.ACK.b.b.1.1.1.0.0", "", "x")
		if strings.Contains(string(data), `"no_wait":true`) {
			msg(reply, "", " 404 No Messages", "")
		}
	case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.OBJ_b."+otherMeta):
		msg(reply, "", " 404 Message Not Found", "")
	case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET.") && strings.Contains(string(data), `"`+otherMeta+`"`):
		msg(reply, "", "", `{"error":{"code":404,"err_code":10037,"description":"no message found"}}`)
	case strings.HasPrefix(subject, "$JS.API.DIRECT.GET."):
		of := "b"
		if len(tokens) > 5 {
			of = tokens[5]
		}
		msg(reply, "", "\r\nNats-Stream: "+tokens[4]+"\r\nNats-Subject: "+of+"\r\nNats-Sequence: 1\r\nNats-Time-Stamp: 2026-01-02T03:04:05Z\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 1", storedPayload(of))
		if strings.Contains(string(data), `"batch"`) || strings.Contains(string(data), `"multi_last"`) {
			msg(reply, "", " 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 1", "")
		}
	case strings.Contains(string(data), "Nats-Batch-Id") && !strings.Contains(string(data), "Nats-Batch-Commit"):
		msg(reply, "", "", "")
	default:
		msg(reply, "", "", universalAnswer(subject, data))
	}
}

// storedPayload is the description of an object without bytes, a value in JSON, or a counter.
func storedPayload(subject string) string {
	if strings.HasPrefix(subject, "$O.") {
		return `{"name":"b","bucket":"b","nuid":"n","size":0,"chunks":0,"digest":"SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=","mtime":"2026-01-02T03:04:05Z"}`
	}
	if strings.HasPrefix(subject, "$KV.") {
		return `"x"`
	}
	return `{"val":"1"}`
}

// storedMessage is what a leader gives out: the last message of a subject, or any.
func storedMessage(last json.RawMessage) map[string]any {
	subject, payload := "b", "x"
	if json.Unmarshal(last, &subject) == nil {
		payload = storedPayload(subject)
	}
	return map[string]any{"subject": subject, "seq": 1, "data": []byte(payload), "time": "2026-01-02T03:04:05Z"}
}

// universalAnswer has what every answer of the API needs.
func universalAnswer(subject string, data []byte) string {
	tokens := append(strings.Split(subject, "."), "", "", "", "", "", "", "")
	if i := strings.Index(string(data), "{"); i > 0 {
		data = data[i:] // behind a header block
	}
	var asked map[string]json.RawMessage
	_ = json.Unmarshal(data, &asked) // or nothing
	stream, consumer := tokens[4], "b"
	if !strings.HasPrefix(subject, "$JS.") { // a publish
		stream = "b"
	}
	config := map[string]any{
		"name": stream, "subjects": []string{"b.>"}, "max_msgs_per_subject": 5, "allow_direct": true, "allow_msg_ttl": true, "allow_atomic": true,
		"allow_batched": true, "allow_rollup_hdrs": true, "subject_delete_marker_ttl": 1_000_000_000, "retention": "limits", "storage": "file", "num_replicas": 1,
	}
	if tokens[2] == "CONSUMER" {
		if tokens[3] == "DURABLE" {
			tokens = tokens[1:]
		}
		stream, consumer = tokens[4], tokens[5]
		config = map[string]any{"name": consumer, "ack_policy": "explicit", "deliver_policy": "all", "replay_policy": "instant"}
		if consumer == other {
			config["deliver_subject"] = "deliver.here"
		}
		if given := asked["config"]; given != nil {
			_ = json.Unmarshal(given, &config)
		}
	}
	answer := map[string]any{
		"type": "io.nats.jetstream.api.v1.anything", "config": config, "state": map[string]any{"messages": 1, "first_seq": 1, "last_seq": 1},
		"created": "2026-01-02T03:04:05Z", "stream_name": stream, "name": consumer, "success": true, "purged": 1, "total": 0, "offset": 0, "limit": 256,
		"stream": stream, "seq": 9, "val": "1", "batch": "id", "count": 1, "domain": "", "num_pending": 0,
		"message": storedMessage(asked["last_by_subj"]),
	}
	if tokens[3] == "NAMES" {
		answer["total"], answer["streams"], answer["consumers"] = 1, []string{"b"}, []string{"b"}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// other is the name of a consumer that pushes, and of an object that is not there.
const other = "other"

// otherMeta is where that object is described.
var otherMeta = "$O.b.M." + base64.URLEncoding.EncodeToString([]byte(other))
