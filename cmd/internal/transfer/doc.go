// Package transfer copies files between places: this machine, shares of others, whatever is behind the I/O manager's API. It is what `lwio cp`, `mv`,
// `put` and `get` are made of.
//
//	c := transfer.New(transfer.Config{Preserve: true, Retry: time.Minute})
//	err := c.Copy(ctx, []transfer.Job{{From: transfer.Local{}, Source: "plan", To: transfer.Remote(files), Target: "archive/plan"}})
//
// Files go side by side, and a long one in chunks of which several are under way, so that neither the network nor a disk waits for the other. What is
// needed of memory does not depend on how many or how long the files are. A connection that is lost is not an error as long as Config.Retry lasts:
// the files are opened again and what was not acknowledged is sent once more. Between two folders of one server the server copies by itself.
//
// A file that fails does not keep the others from being copied: Copy gives all errors together. What of a file has arrived stays, and with
// Config.Resume the next run goes on there.
package transfer
