package ingest

import (
	"bytes"
	"errors"
	"fmt"
)

// longestContext is how much of a PING's context a PONG must give back, RFC 37/ZMTP.
const longestContext = 16

// misspelt is how the PLAIN server of libzmq 4.3 begins its ERROR: to C, the \x5E of "\x5ERROR" is one byte.
var misspelt = []byte("^RROR")

// zmqCommandOf takes a command apart.
func zmqCommandOf(body []byte) (name, data []byte, err error) {
	if data, ok := bytes.CutPrefix(body, misspelt); ok {
		return nil, nil, zmqRefusal(data)
	}
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return nil, nil, errors.New("a command without a name")
	}
	n := 1 + int(body[0])
	return body[1:n], body[n:], nil
}

var zmqPing = []byte("\x04PING\x00\x00")

// appendZMQPing appends a PING that asks for an answer and sets no term of its own.
func appendZMQPing(dst []byte) []byte { return appendZMQFrame(dst, zmqCommand, zmqPing) }

// appendZMQAnswer appends what a command asks for: a PONG for a PING. All others ask nothing: of sockets that only
// receive, a peer wants no subscriptions, and PONG is only to be heard. An error ends the connection.
func appendZMQAnswer(dst, body []byte) ([]byte, error) {
	name, data, err := zmqCommandOf(body)
	if err != nil {
		return dst, err
	}
	switch string(name) {
	case "PING":
		if len(data) < 2 {
			return dst, errors.New("a PING without its TTL")
		}
		context := data[2:min(len(data), 2+longestContext)]
		var pong [5 + longestContext]byte
		n := copy(pong[:], "\x04PONG")
		n += copy(pong[n:], context)
		return appendZMQFrame(dst, zmqCommand, pong[:n]), nil
	case "ERROR":
		return dst, zmqRefusal(data)
	}
	return dst, nil
}

// zmqRefusal is the ERROR command as an error: its reason is what the peer says of us.
func zmqRefusal(data []byte) error {
	reason := ""
	if len(data) > 0 {
		reason = string(data[1:min(len(data), 1+int(data[0]))])
	}
	return fmt.Errorf("the peer refuses us: %q", reason)
}
