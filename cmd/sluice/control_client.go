package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// A controlClient asks the running daemon.
type controlClient struct{ path string }

// errNotRunning says that no daemon answers.
var errNotRunning = errors.New("sluice is not running")

// controlFlag adds --control to cmd. The function returns the client to use: of the flag's socket, else of the
// configuration's, which must be right then.
func controlFlag(cmd *cobra.Command) func() (controlClient, error) {
	path := cmd.Flags().String("control", "", "the running daemon's control socket (else the configuration's)")
	return func() (controlClient, error) {
		if *path != "" {
			return controlClient{*path}, nil
		}
		cfg, err := loadConfig()
		if err != nil {
			return controlClient{}, err
		}
		return controlClient{cfg.Control.Path}, nil
	}
}

// do asks, and returns the answer of a daemon that has done what it was asked to. The error is errNotRunning, with the
// path, if nobody answers.
func (c controlClient) do(ctx context.Context, method, request string) (*http.Response, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: 10 * time.Second}
		return d.DialContext(ctx, "unix", c.path)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://sluice"+request, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("%w (nobody answers at %s)", errNotRunning, c.path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("control %s: this user may not ask: permission denied", c.path)
	case err != nil:
		var inner interface{ Unwrap() error }
		if errors.As(err, &inner) { // without the URL, which is no place
			err = inner.Unwrap()
		}
		return nil, fmt.Errorf("control %s: %w", c.path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode == http.StatusNotFound && strings.Contains(string(text), "404 page not found") {
		return nil, fmt.Errorf("control %s: the sluice there does not know %s; it may be older", c.path, req.URL.Path)
	}
	return nil, exitError{exitRunTime, refusal{resp.StatusCode, strings.TrimSpace(string(text))}}
}

// A refusal is the daemon's word for why it did not do what it was asked.
type refusal struct {
	status int // of HTTP
	text   string
}

func (r refusal) Error() string { return r.text }
