package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The jobs. Each is one that people have rsyslogd or a Python program do today, with the configuration they would write.
var contests = []contest{
	{
		name: "TCP → file", goal: 4, messages: 2_000_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: ["tcp://$ADDRESS"], rules: [{to: $DIR/out}]`),
		rival:  byRsyslog(imtcp + omfile),
		load:   send("tcp://$ADDRESS", "--size", "200"),
	},
	{
		name: "TCP, 8 connections → file", goal: 4, messages: 2_000_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: ["tcp://$ADDRESS"], rules: [{to: $DIR/out}]`),
		rival:  byRsyslog(imtcp + omfile),
		load:   send("tcp://$ADDRESS", "--size", "200", "--connections", "8"),
	},
	{
		name: "TCP, octet-counted → file", goal: 4, messages: 2_000_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: ["tcp://$ADDRESS"], rules: [{to: $DIR/out}]`),
		rival:  byRsyslog(imtcp + omfile),
		load:   send("tcp://$ADDRESS", "--size", "200", "--octet-count"),
	},
	{
		name: "TCP, 30 tag rules, 100 per-host files", goal: 6, messages: 2_000_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: ["tcp://$ADDRESS"], rules: [` + forTags(`{match: {tag: {contains: "%[1]s"}}, to: $DIR/out.%[1]s, stop: true}`, ", ") + `, {to: "$DIR/out.{hostname}"}]`),
		rival: byRsyslog(imtcp + `template(name="perhost" type="string" string="$DIR/out.%HOSTNAME%")` + "\n" +
			forTags(":syslogtag, contains, \"%[1]s\" $DIR/out.%[1]s\n& stop", "\n") + "\n" +
			`action(type="omfile" dynaFile="perhost" dynaFileCacheSize="200")` + "\n"), // with the default of 10 it would open and close files all the time
		// The files are there, as they are but for a host's first message: to make 130 costs as much as 50,000 messages do, and more
		// where others were just removed (ext4 looks for an inode that was not).
		serve: func(r *round) {
			for i := range 100 {
				write(r.t, r.dir, fmt.Sprintf("out.host%02d", i), "")
			}
			for _, tag := range strings.Fields(forTags("%s", " ")) {
				write(r.t, r.dir, "out."+tag, "")
			}
		},
		load: func(r *round, n int) error { return blast(r.address, nil, mixture(), n) },
	},
	{
		name: "TCP → TCP", goal: 4, messages: 2_000_000, ready: listening("tcp"),
		// Neither has a queue on disk, and both push back on the sender: else it would measure the disk.
		sluice:  bySluice(`inputs: ["tcp://$ADDRESS"], rules: [{to: {forward: "tcp://$COLLECTOR", queue: {spool: 0, when_full: block}}}]`),
		rival:   byRsyslog(imtcp + `action(type="omfwd" target="$HOST" port="$COLLECTOR_PORT" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat" queue.type="LinkedList")` + "\n"),
		load:    send("tcp://$ADDRESS", "--size", "200"),
		arrived: func(r *round) int { return r.collector.count() },
	},
	{
		name: "unix datagrams (/dev/log) → file", goal: 2, messages: 500_000, ready: listening("unixgram"),
		sluice: bySluice(`inputs: ["unixgram://$DIR/socket"], rules: [{to: $DIR/out}]`),
		rival:  byRsyslog(`module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="$DIR/socket")` + "\n" + omfile),
		load:   send("unixgram://$DIR/socket", "--size", "200"),
	},
	{
		name: "UDP, 300,000/s → file", goal: 1.5, messages: 900_000, ready: listening("udp"),
		sluice: bySluice(`inputs: ["udp://$ADDRESS"], rules: [{to: $DIR/out}]`),
		rival:  byRsyslog(`module(load="imudp") input(type="imudp" address="$HOST" port="$PORT" rcvbufSize="8m")` + "\n" + omfile), // sluice's default
		load:   send("udp://$ADDRESS", "--size", "200", "--rate", "300000"),
	},
	{
		name: "TCP, RFC 5424 → JSON file", goal: 3, messages: 1_000_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: ["tcp://$ADDRESS"], rules: [{to: {file: $DIR/out, format: json}}]`),
		rival: byRsyslog(imtcp + `template(name="json" type="list" option.jsonf="on") {
  property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="received" name="timegenerated" dateFormat="rfc3339" format="jsonf")
  property(outname="hostname" name="hostname" format="jsonf")
  property(outname="pri" name="pri" format="jsonf" datatype="number")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf")
  property(outname="source" name="fromhost-ip" format="jsonf")
  property(outname="input" name="inputname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
action(type="omfile" file="$DIR/out" template="json")
`),
		load: func(r *round, n int) error { return blast(r.address, nil, structured(), n) },
	},
	{
		name: "Redis publish → file", messages: 1_000_000, fewer: 100_000,
		// A subscriber cannot push back, and the publisher, Redis and reader have two cores: twice the default memory holds what
		// comes while the writer has none.
		sluice: bySluice(`inputs: [{redis: "redis://$ADDRESS", subscribe: "req.*"}], rules: [{to: {file: $DIR/out, format: message, queue: {memory: 16MiB}}}]`),
		rival:  byPython("subscribe_redis"),
		serve:  serveRedis,
		ready:  subscribed,
		load:   publish,
	},
	{
		name: "ZeroMQ PUSH → file", messages: 1_000_000, fewer: 100_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: [{zmq: "tcp://$ADDRESS", socket: pull}], rules: [{to: {file: $DIR/out, format: message}}]`),
		rival:  byPython("pull_zmq"),
		load:   push,
	},
	{
		name: "Python SocketHandler (pickle) → file", messages: 300_000, fewer: 50_000, ready: listening("tcp"),
		sluice: bySluice(`inputs: [{python: "tcp://$ADDRESS"}], rules: [{to: {file: $DIR/out, format: "{timestamp|%Y-%m-%d %H:%M:%S} {record.name} {record.levelname} {message}"}}]`),
		rival:  byPython("serve_pickle"),
		load:   pickled,
	},
}

const (
	imtcp  = `module(load="imtcp") input(type="imtcp" port="$PORT" address="$HOST")` + "\n"
	omfile = `action(type="omfile" file="$DIR/out" template="RSYSLOG_FileFormat")` + "\n"
)

func bySluice(conf string) contestant {
	return contestant{"sluice", "sluice.yaml", "{state_dir: $DIR/state, " + conf + "}", []string{contestBinary, "run", "-c", "$DIR/sluice.yaml"}}
}

func byRsyslog(conf string) contestant {
	return contestant{"rsyslogd", "rsyslog.conf", "global(workDirectory=\"$DIR\" net.enableDNS=\"off\")\n" + conf,
		[]string{"rsyslogd", "-n", "-f", "$DIR/rsyslog.conf", "-i", "$DIR/pid"}}
}

// byPython is the receiver that people paste from a blog, or have from pyzog: one process, a WatchedFileHandler.
func byPython(name string) contestant {
	return contestant{"Python", "", "", []string{"/usr/bin/python3", "testdata/contest/" + name + ".py", "$ADDRESS", "$DIR/out"}}
}

// forTags writes text for each of thirty tags.
func forTags(text, between string) string {
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf(text, fmt.Sprintf("svc%02d", i)))
	}
	return strings.Join(all, between)
}

// mixture has 60 tags, of which the rules know half, on 100 hosts.
func mixture() (messages []string) {
	for i := range 6000 {
		head := fmt.Sprintf("<134>Nov 20 15:17:52 host%02d svc%02d[1234]: ", i%100, i%60)
		messages = append(messages, head+strings.Repeat("x", 199-len(head))+"\n")
	}
	return messages
}

// structured has one element of structured data in each message.
func structured() (messages []string) {
	for i := range 1000 {
		head := fmt.Sprintf(`<134>1 2026-11-20T15:17:52.123456+00:00 host7 app 1234 ID47 [request@32473 id="%06d" user="alice"] `, i)
		messages = append(messages, head+strings.Repeat("x", 199-len(head))+"\n")
	}
	return messages
}

func serveRedis(r *round) {
	r.address, _ = startRedis(r.t, "--client-output-buffer-limit", "pubsub 0 0 0") // Python is slow, and would be cut off
}

func subscribed(r *round) error {
	client := redis.NewClient(&redis.Options{Addr: r.address})
	defer client.Close()
	if n, err := client.PubSubNumPat(context.Background()).Result(); err != nil || n == 0 {
		return fmt.Errorf("nobody has subscribed: %v", err)
	}
	return nil
}

// publish sends messages of 150 bytes over one connection.
func publish(r *round, n int) error {
	one := "*3\r\n$7\r\nPUBLISH\r\n$8\r\nreq.app1\r\n$150\r\n" + strings.Repeat("x", 150) + "\r\n"
	return blast(r.address, nil, repeated(one, 1000), n)
}

// push does so as a PUSH peer.
func push(r *round, n int) error {
	return blast(r.address, pushHello, repeated("\x00\x96"+strings.Repeat("x", 150), 1000), n)
}

// pushHello is a PUSH peer's part of the handshake (ZMTP 3.1), each step after the other side's.
func pushHello(c net.Conn) error {
	for _, step := range []struct {
		say  string
		hear int
	}{
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48), 64},
		{"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH", len("\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL")},
	} {
		if _, err := io.WriteString(c, step.say); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, make([]byte, step.hear)); err != nil {
			return err
		}
	}
	return nil
}

// pickled sends what a SocketHandler would.
func pickled(r *round, n int) error {
	record, err := exec.Command("/usr/bin/python3", "testdata/contest/record.py").Output()
	if err != nil {
		return err
	}
	return blast(r.address, nil, repeated(string(record), 100), n)
}

func repeated(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}
