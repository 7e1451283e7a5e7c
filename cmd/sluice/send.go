package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// newSendCommand returns `sluice send`: logger's work for any syslog transport, and a load for measuring receivers.
func newSendCommand() *cobra.Command {
	return newSendCommandOf(sendHost{now: time.Now, hostname: os.Hostname, user: sendUser, pid: os.Getpid(), patience: sendPatience})
}

// A sendHost is what a header says about the machine and the process that send, and how long those wait at the end.
type sendHost struct {
	now      func() time.Time
	hostname func() (string, error)
	user     func() string
	pid      int
	patience time.Duration
}

// sendUser is the tag of whoever gives none, as in logger.
func sendUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// newSendCommandOf is newSendCommand for a given host: tests have a clock of their own.
func newSendCommandOf(host sendHost) *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send [flags] [MESSAGE ...]",
		Short: "Send a message, the lines of stdin, or a load",
		Long: `Send a message, the lines of stdin, or a load, as logger does.

Several words make one message. Without a MESSAGE, or with -, each line of stdin is one; empty lines are skipped.
Where to: unixgram:///dev/log (the default), unix:///path, udp://host:port, tcp://host:port, tls://host:port, or a path,
whichever kind of socket is there. The port is 514, for tls 6514, unless the URL says otherwise.

--count makes a load: the message so many times, as fast as --rate, or the receiver, allows. {seq} in it becomes a
running number. A stream counts as sent when the receiver, having read all of it, closes the connection too.`,
		Example: `  sluice send -t backup -p local0.info "done in 42 s"
  tail -F app.log | sluice send -t app --to tcp://10.240.10.10:514
  sluice send --to tcp://127.0.0.1:5514 --count 1000000 --connections 4
  sluice send --to udp://127.0.0.1:5514 --count 50000 --rate 10000 "message {seq}"`,
		Args:         cobra.ArbitraryArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.changed = cmd.Flags().Changed
			job, err := o.job(host, args)
			if err != nil {
				return err
			}
			defer job.close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			defer context.AfterFunc(ctx, stop)() // the first signal ends the work in hand, the second the process
			if job.in == nil {
				job.in = cmd.InOrStdin()
			}
			job.out, job.errors = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return job.run(ctx)
		},
	}
	o.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("to", "socket", "server")
	cmd.MarkFlagsMutuallyExclusive("udp", "tcp")
	cmd.MarkFlagsMutuallyExclusive("rfc3164", "rfc5424")
	return cmd
}

// A sendJob is one run of the command: what to send, whereto, and who hears of it.
type sendJob struct {
	to      sendAddress
	header  sendHeader
	framing sendFraming
	counted bool // the framing, should to turn out to be a stream

	text        string // empty: the lines of in
	count       int64  // 0: text once, as a message of its own
	size        int
	rate        float64
	connections int
	quiet, echo bool

	now         func() time.Time
	patience    time.Duration
	in          io.Reader
	file        *os.File // that in reads, if it is ours
	out, errors io.Writer
}

func (j *sendJob) close() {
	if j.file != nil {
		j.file.Close()
	}
}

// run sends everything and reports it on out. What was sent is reported even if it was not all.
func (j *sendJob) run(ctx context.Context) error {
	links, err := j.open(ctx)
	if err != nil {
		return err
	}
	defer func() { // of those that are open then
		for _, l := range links {
			l.Close()
		}
	}()
	for _, l := range links {
		defer context.AfterFunc(ctx, l.hurry)()
	}
	begin := time.Now() // also the pace's clock, never the header's
	var sent sendTally
	switch {
	case j.count > 0:
		sent, err = j.sendLoad(ctx, links)
	case j.text != "":
		sent, err = j.sendOne(ctx, links[0])
	default:
		sent, err = j.sendLines(ctx, links)
	}
	end := time.Now()
	received := j.finish(ctx, links, err == nil)
	if received.err == nil && received.late == 0 {
		end = time.Now() // what a receiver has not read yet is not sent
	}
	if sent.refused += received.refused; received.err != nil || sent.refused > 0 {
		sent.only = ""
	}
	j.report(sent, end.Sub(begin), len(links))
	if received.late > 0 {
		fmt.Fprintf(j.errors, "send to %s: the receiver did not close in time: whether it has read everything is not known\n", j.to)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("send: interrupted")
	case err != nil:
		return err
	case received.err != nil:
		return j.to.fault(received.err)
	case sent.refused > 0 && sent.messages > 1: // the kernel keeps one refusal at a time
		return fmt.Errorf("%w: at least %d of %d messages are lost", j.to.fault(syscall.ECONNREFUSED), sent.refused, sent.messages)
	case sent.refused > 0:
		return j.to.fault(syscall.ECONNREFUSED)
	}
	return nil
}

// sendOne sends the one message and prints it.
func (j *sendJob) sendOne(ctx context.Context, link sendLink) (sendTally, error) {
	var b sendBatch
	header := j.header.append(nil, j.now())
	text, err := padded(j.framing.escape(j.text), len(header), j.size)
	if err != nil {
		return sendTally{}, err
	}
	message := b.add(j.framing, header, []byte(text))
	if j.echo {
		fmt.Fprintf(j.errors, "%s\n", message)
	}
	if _, err := link.send(ctx, &b); err != nil {
		return sendTally{}, j.to.fault(err)
	}
	return sendTally{messages: 1, bytes: int64(len(message)), only: printable(message)}, nil
}

// padded fills text up so that with its header it has size bytes; size 0 leaves it.
func padded(text string, header, size int) (string, error) {
	need := header + len(text)
	switch {
	case size == 0 || need == size:
		return text, nil
	case need > size:
		return "", fmt.Errorf("--size %d: the message has %d bytes, %d of them its header", size, need, header)
	}
	fill := size - need
	if text != "" && !strings.HasSuffix(text, " ") {
		text += " "
		fill--
	}
	return text + strings.Repeat(sendFiller, fill/len(sendFiller)+1)[:fill], nil
}

const sendFiller = "abcdefghijklmnopqrstuvwxyz0123456789"
