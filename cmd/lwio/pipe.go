package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"lwio/iomgr/nt"
	"lwio/pipes"
)

func pipeCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "pipe", Short: "Named pipes"}
	c.AddCommand(pipeCat(a), pipeCall(a), pipeServe(a), &cobra.Command{Use: "list [PATTERN]", Short: "List the pipes; PATTERN may have * and ?", Args: cobra.MaximumNArgs(1), RunE: a.pipeList})
	return c
}

type pipe struct {
	Name         string  `json:"name"`
	Instances    uint32  `json:"instances"`
	MaxInstances *uint32 `json:"max_instances"` // null for no limit
}

func (a *app) pipeList(c *cobra.Command, args []string) error {
	client, err := a.connect(c.Context())
	if err != nil {
		return err
	}
	defer client.Shutdown()
	pattern := ""
	if len(args) > 0 {
		pattern = args[0]
	}
	entries, err := pipes.List(c.Context(), client, pattern)
	if err != nil {
		return err
	}
	list, rows := []pipe{}, [][]string{}
	for _, e := range entries {
		p := pipe{Name: e.Name, Instances: e.Instances}
		if e.MaxInstances != nt.FilePipeUnlimitedInstances {
			p.MaxInstances = &e.MaxInstances
		}
		list = append(list, p)
		rows = append(rows, []string{p.Name, strconv.Itoa(int(p.Instances)), limit(p.MaxInstances)})
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "INSTANCES", "LIMIT"}, rows)
}
