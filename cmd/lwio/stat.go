package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// fileStat is all that is known of a file.
type fileStat struct {
	Path       string    `json:"path"`
	Type       string    `json:"type"`
	Size       int64     `json:"size"`
	Allocated  int64     `json:"allocated"`
	Created    time.Time `json:"created"`
	Modified   time.Time `json:"modified"`
	Accessed   time.Time `json:"accessed"`
	Changed    time.Time `json:"changed"`
	Attributes []string  `json:"attributes"`
	Links      uint32    `json:"links"`
	FileID     string    `json:"file_id"`
	Streams    []stream  `json:"streams,omitempty"`
	Target     string    `json:"target,omitempty"` // of a link
}

type stream struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

func statCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: `stat \\server\share\file`, Short: "Show all that is known of a file of a share: times, attributes, streams", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, f, args[0], "stat(1)", func(_ *files, share *iofs.FS, l location) error {
				st, err := statOf(c, share, l)
				if err != nil {
					return err
				}
				if a.json {
					return a.print(c.OutOrStdout(), st, nil, nil)
				}
				st.write(c.OutOrStdout())
				return nil
			})
		}}
	return a.fileFlags(c, f)
}

func statOf(c *cobra.Command, share *iofs.FS, l location) (*fileStat, error) {
	o, err := share.OpenAccess(l.name, nt.FileReadAttributes, nt.FileOpenReparsePoint)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	b := make([]byte, 64<<10)
	n, err := share.API().QueryInformationFile(c.Context(), o.Handle(), nt.FileAllInformation, b)
	if err != nil && !errors.Is(err, nt.StatusBufferOverflow) {
		return nil, err
	}
	i, ok := api.ParseFileInfo(nt.FileAllInformation, b[:n])
	if !ok {
		return nil, nt.StatusInvalidNetworkResponse
	}
	st := &fileStat{Path: l.text, Type: "file", Size: i.EndOfFile, Allocated: i.AllocationSize, Created: i.CreationTime.Go(), Modified: i.LastWriteTime.Go(),
		Accessed: i.LastAccessTime.Go(), Changed: i.ChangeTime.Go(), Links: i.Links, FileID: fmt.Sprintf("%#x", i.FileID), Attributes: []string{}}
	for _, a := range attributeNames {
		if i.Attributes&a.bit != 0 {
			st.Attributes = append(st.Attributes, a.name)
		}
	}
	if i.Directory {
		st.Type = "directory"
	}
	if i.Attributes&nt.FileAttributeReparsePoint != 0 {
		if st.Target, err = share.ReadLink(l.name); err == nil {
			st.Type = "link"
		}
	}
	if n, err = share.API().QueryInformationFile(c.Context(), o.Handle(), nt.FileStreamInformation, b); err == nil {
		if st.Streams, err = namedStreams(b[:n]); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// namedStreams reads the list of streams; the unnamed one is left out.
func namedStreams(b []byte) ([]stream, error) {
	all, err := api.ParseStreams(b)
	var list []stream
	for _, t := range all {
		if t.StreamName != "" && t.StreamName != "::$DATA" {
			list = append(list, stream{strings.TrimSuffix(strings.TrimPrefix(t.StreamName, ":"), ":$DATA"), t.StreamSize})
		}
	}
	return list, err
}

func (s *fileStat) write(w io.Writer) {
	row := func(name, value string) { fmt.Fprintf(w, "%-11s %s\n", name+":", value) }
	when := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Local().Format("2006-01-02 15:04:05.0000000 -0700")
	}
	row("Path", printable(s.Path))
	row("Type", s.Type)
	if s.Target != "" {
		row("Target", printable(s.Target))
	}
	row("Size", fmt.Sprintf("%d (%s)", s.Size, size(s.Size)))
	row("Allocated", fmt.Sprintf("%d (%s)", s.Allocated, size(s.Allocated)))
	row("Created", when(s.Created))
	row("Modified", when(s.Modified))
	row("Accessed", when(s.Accessed))
	row("Changed", when(s.Changed))
	row("Attributes", printable(strings.Join(s.Attributes, ", ")))
	row("Links", fmt.Sprint(s.Links))
	row("File id", s.FileID)
	for _, t := range s.Streams {
		row("Stream", fmt.Sprintf("%s, %d bytes", printable(t.Name), t.Size))
	}
}

// space is a row of df.
type space struct {
	Path       string `json:"path"`
	Volume     string `json:"volume,omitempty"`
	FileSystem string `json:"file_system,omitempty"`
	Total      int64  `json:"total"`
	Used       int64  `json:"used"`
	Available  int64  `json:"available"` // to the user who asks
}

func spaceCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "df PATH...", Short: "Show how much room there is", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s := a.files(f)
			defer s.close()
			list, rows := []space{}, [][]string{}
			for _, text := range args {
				l, err := parseLocation(text)
				var r space
				if err == nil {
					r, err = s.space(c, l)
				}
				if err != nil {
					return s.explain(l, err)
				}
				list = append(list, r)
				rows = append(rows, []string{r.Path, r.FileSystem, r.Volume, size(r.Total), size(r.Used), size(r.Available)})
			}
			return a.print(c.OutOrStdout(), list, []string{"PATH", "TYPE", "VOLUME", "SIZE", "USED", "AVAILABLE"}, rows)
		}}
	return a.fileFlags(c, f)
}

func (s *files) space(c *cobra.Command, l location) (space, error) {
	r := space{Path: l.text}
	if !l.remote {
		var st unix.Statfs_t
		if err := unix.Statfs(l.name, &st); err != nil {
			return r, &fs.PathError{Op: "statfs", Path: l.name, Err: os.NewSyscallError("statfs", err)}
		}
		block := int64(st.Bsize)
		r.Total, r.Used, r.Available = int64(st.Blocks)*block, int64(st.Blocks-st.Bfree)*block, int64(st.Bavail)*block
		return r, nil
	}
	share, err := s.open(c.Context(), l)
	if err != nil {
		return r, err
	}
	o, err := share.OpenAccess(l.name, nt.FileReadAttributes, 0)
	if err != nil {
		return r, err
	}
	defer o.Close()
	query := func(class nt.FsInfoClass, least int) ([]byte, error) {
		b := make([]byte, 1024)
		n, err := share.API().QueryVolumeInformationFile(c.Context(), o.Handle(), class, b)
		if err == nil && n < least {
			err = nt.StatusInvalidNetworkResponse
		}
		return b[:n], err
	}
	b, err := query(nt.FileFsFullSizeInformation, 32) // MS-FSCC 2.5.4
	if err != nil {
		return r, err
	}
	unit := int64(le.Uint32(b[24:])) * int64(le.Uint32(b[28:]))
	r.Total, r.Available, r.Used = int64(le.Uint64(b))*unit, int64(le.Uint64(b[8:]))*unit, int64(le.Uint64(b)-le.Uint64(b[16:]))*unit
	if b, err = query(nt.FileFsAttributeInformation, 12); err == nil { // 2.5.1
		r.FileSystem = counted(b, 8, 12)
	}
	if b, err = query(nt.FileFsVolumeInformation, 18); err == nil { // 2.5.9
		r.Volume = counted(b, 12, 18)
	}
	return r, nil
}

// counted is a string whose length in bytes stands at an offset.
func counted(b []byte, length, at int) string {
	return nt.DecodeUTF16(b[at : at+min(int(le.Uint32(b[length:])), len(b)-at)&^1])
}
