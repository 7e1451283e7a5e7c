package listen

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sluice/syslog"
	"sluice/syslog/socketfile"
)

// openUnixgram binds a socket like /dev/log.
func (l *Listener) openUnixgram() error {
	length := l.raiseQueueLength() // a socket gets the length of the moment when it is made
	return l.bindFile(func(lc *net.ListenConfig) error {
		conn, err := lc.ListenPacket(context.Background(), "unixgram", l.cfg.Address)
		if err != nil {
			return err
		}
		d, err := l.addPackets(conn.(*net.UnixConn), syslog.Unixgram)
		if err == nil && length >= queueLength {
			d.queued = some
		}
		return err
	})
}

// openUnix binds a socket for streams.
func (l *Listener) openUnix() error {
	return l.bindFile(func(lc *net.ListenConfig) error {
		ln, err := lc.Listen(context.Background(), "unix", l.cfg.Address)
		if err != nil {
			return err
		}
		ln.(*net.UnixListener).SetUnlinkOnClose(false) // we look first whether the file is still ours
		return l.addStream(ln.(*net.UnixListener), syslog.Unix)
	})
}

// bindFile calls bind where a socket file can be made, and sets the file's mode and owner.
func (l *Listener) bindFile(bind func(*net.ListenConfig) error) error {
	file, err := socketfile.Bind(l.cfg.Transport.String(), l.cfg.Address, socketOptions(&l.cfg), bind)
	l.file = file
	if err != nil {
		return l.cfg.socketError(err)
	}
	return nil
}

func socketOptions(cfg *Config) socketfile.Options {
	return socketfile.Options{Mode: cfg.Mode, Owner: cfg.Owner, Group: cfg.Group}
}

// queueLength is how many datagrams a unixgram socket should hold. The kernel's default of 10 makes senders wait for us
// at every burst.
const queueLength = 512

// raiseQueueLength raises net.unix.max_dgram_qlen if it is lower, or warns that somebody should. It returns the length.
func (l *Listener) raiseQueueLength() int {
	path := filepath.Join(l.cfg.Sysctl, "net/unix/max_dgram_qlen")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0 // not ours to know
	}
	have, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || have >= queueLength {
		return have
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(strconv.Itoa(queueLength) + "\n")
		file.Close()
	}
	if err != nil {
		l.log.Warn("senders wait at short bursts: raise net.unix.max_dgram_qlen to "+strconv.Itoa(queueLength), "max_dgram_qlen", have)
		return have
	}
	return queueLength
}
