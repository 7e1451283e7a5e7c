package writer

import "os"

// A Console writes to a standard stream.
type Console struct {
	out  *os.File
	done int // bytes of the block in hand that are written
}

// NewConsole returns a sink that writes to out and never closes it.
func NewConsole(out *os.File) *Console { return &Console{out: out} }

// Write writes b, going on behind a short write.
func (c *Console) Write(b *Block) error {
	n, err := c.out.Write(b.Text[c.done:])
	c.done += n
	if err == nil {
		c.done = 0
	}
	return err
}

// Close does nothing: the stream is the process's.
func (c *Console) Close() error { return nil }
