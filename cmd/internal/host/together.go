package host

import "lwio/rpc/server"

// Together makes one of services that share association groups, as those of Windows' lsass do: a client's second connection, to another of the pipes, may
// join the group of the first. Each pipe then has the interfaces of all. It is for services whose pipes have the same descriptor and that answer the same callers.
func Together(name string, list ...Service) Service {
	all := Service{Name: name, Register: func(s *server.Server) error {
		for i := range list {
			if err := list[i].Register(s); err != nil {
				return err
			}
		}
		return nil
	}}
	for i := range list {
		all.Pipes = append(all.Pipes, list[i].Pipes...)
	}
	return all
}
