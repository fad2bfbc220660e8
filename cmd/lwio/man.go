package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the manual pages, which are made of the same texts as --help.
func manCommand() *cobra.Command {
	return &cobra.Command{Use: "man DIR", Short: "Write the manual pages of all commands into a directory", Args: cobra.ExactArgs(1),
		Long: "Write the manual pages of all commands into a directory, which is made if it is not there: lwio.1, lwio-cp.1 and so on.",
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return manPages(c.Root(), func(name, page string) error {
				return os.WriteFile(filepath.Join(args[0], name), []byte(page), 0o644)
			})
		}}
}

// manName is a command's page: lwio-share-add for lwio share add.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPages makes the page of a command and those of the commands below it.
func manPages(c *cobra.Command, write func(name, page string) error) error {
	if err := write(manName(c)+".1", manPage(c)); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := manPages(sub, write); err != nil {
			return err
		}
	}
	return nil
}

// roff keeps a text from being read as requests: backslashes and hyphens are escaped, and a line does not begin with a dot or an apostrophe.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// roffQuoted is roff for an argument of a request.
func roffQuoted(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `\(dq`) + `"` }

func manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" lwio \"User Commands\"\n", roffQuoted(strings.ToUpper(manName(c))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n", roff(c.UseLine()))
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	// Lists in these texts are laid out by hand.
	fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s\n.fi\n", roff(long))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, ".PP\nOther names: %s.\n", roff(strings.Join(c.Aliases, ", ")))
	}
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF ALL COMMANDS OF THE GROUP", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	b.WriteString(manStatus)
	if c.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)", roff(manName(c.Parent())))
	} else {
		b.WriteString(".SH SEE ALSO\n.BR lwiod (8)")
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			fmt.Fprintf(&b, ",\n.BR %s (1)", roff(manName(sub)))
		}
	}
	b.WriteString("\n")
	return b.String()
}

var manStatus = fmt.Sprintf(`.SH EXIT STATUS
.TP
.B 0
It went well.
.TP
.B %d
It failed: what was asked for was refused, or could not be reached.
.TP
.B %d
The command line is wrong.
.PP
A command that runs another one, as
.B lwio lock
does, ends with the status of that one.
.SH DIAGNOSTICS
Errors are on the standard error, each line after
.BR lwio: .
A line after
.B hint:
says what can be done.
.SH ENVIRONMENT
.TP
.B LWIO_SOCKET
The socket of the daemon, where
.B \-\-socket
is not given.
.TP
.B LWIO_PASSWORD_FILE
A file whose first line is the password of
.BR \-\-user .
.TP
.B KRB5CCNAME
The tickets that are used where
.B \-\-user
is not given.
`, exitFailure, exitUsage)

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " " + kind
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roffQuoted(name), roff(usage))
	})
}
