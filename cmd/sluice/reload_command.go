package main

import (
	"errors"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func newReloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "have the running daemon read its configuration again; 2 if that is wrong, and nothing has changed",
		Args:  cobra.NoArgs,
	}
	client := controlFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := client()
		if err != nil {
			return err
		}
		resp, err := c.do(cmd.Context(), "POST", "/reload")
		var no refusal
		if errors.As(err, &no) && no.status == http.StatusBadRequest {
			return exitError{exitConfiguration, err}
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(cmd.OutOrStdout(), resp.Body)
		return err
	}
	return cmd
}
