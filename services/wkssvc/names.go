package wkssvc

import (
	"context"
	"errors"
	"slices"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// primaryName is what the host calls itself from its next start on; until somebody renames it, that is what it calls itself now.
func (s *Service) primaryName(ctx context.Context) (string, error) {
	name, err := s.cfg.Workstation.ComputerName(ctx)
	if name == "" {
		name = s.cfg.Authority.Host().Name
	}
	return name, err
}

// NetrEnumerateComputerNames lists the names of the computer (MS-WKST 3.2.4.21).
func (s *Service) NetrEnumerateComputerNames(ctx context.Context, call *rpc.Call, in *gen.NetrEnumerateComputerNamesRequest) (*gen.NetrEnumerateComputerNamesResponse, error) {
	var names []string
	switch {
	case !isAuthenticated(call):
		return &gen.NetrEnumerateComputerNamesResponse{Return: accessDenied}, nil
	case in.NameType >= gen.NetComputerNameTypeMax:
		return &gen.NetrEnumerateComputerNamesResponse{Return: invalidParameter}, nil
	case in.NameType != gen.NetAlternateComputerNames:
		name, err := s.primaryName(ctx)
		if err != nil {
			return &gen.NetrEnumerateComputerNamesResponse{Return: failed(err)}, nil
		}
		names = append(names, name)
	}
	if in.NameType != gen.NetPrimaryComputerName {
		names = append(names, s.cfg.Workstation.Settings().Alternate...)
	}
	out := &gen.NET_COMPUTER_NAME_ARRAY{EntryCount: uint32(len(names))}
	for _, n := range names {
		out.ComputerNames = append(out.ComputerNames, gen.NewUNICODE_STRING(n))
	}
	return &gen.NetrEnumerateComputerNamesResponse{ComputerNames: out}, nil
}

// nameResult is what a caller is told of a change of names.
func nameResult(err error) uint32 {
	switch {
	case err == nil:
		return success
	case errors.Is(err, state.ErrComputerName):
		return uint32(nt.WErrInvalidName)
	case errors.Is(err, state.ErrNotFound): // another daemon has the machine's name
		return notSupported
	}
	return failed(err)
}

// mayName is whether the caller may change names, and whether there is a name at all.
func mayName(call *rpc.Call, name *string) uint32 {
	switch {
	case !call.Token.IsAdmin():
		return accessDenied
	case name == nil:
		return invalidParameter
	case !state.IsComputerName(*name):
		return uint32(nt.WErrInvalidName)
	}
	return success
}

func isName(name string) func(string) bool {
	return func(n string) bool { return nt.EqualFold(n, name) }
}

// addAlternate gives the computer another name; one that it has already it keeps.
func (s *Service) addAlternate(ctx context.Context, call *rpc.Call, name *string) uint32 {
	if r := mayName(call, name); r != success {
		return r
	}
	return nameResult(s.cfg.Workstation.Change(ctx, func(c *state.WorkstationSettings) error {
		if !slices.ContainsFunc(c.Alternate, isName(*name)) {
			c.Alternate = append(c.Alternate, *name)
		}
		return nil
	}))
}

// removeAlternate takes a name away; it is no error if the computer has none such.
func (s *Service) removeAlternate(ctx context.Context, call *rpc.Call, name *string) uint32 {
	if r := mayName(call, name); r != success {
		return r
	}
	return nameResult(s.cfg.Workstation.Change(ctx, func(c *state.WorkstationSettings) error {
		c.Alternate = slices.DeleteFunc(c.Alternate, isName(*name))
		return nil
	}))
}

// setPrimary makes a name the computer's own from its next start on; the one that it had becomes another name of it.
func (s *Service) setPrimary(ctx context.Context, call *rpc.Call, name *string) uint32 {
	if r := mayName(call, name); r != success {
		return r
	}
	old, err := s.primaryName(ctx)
	if err == nil {
		err = s.cfg.Workstation.Rename(ctx, *name)
	}
	if err == nil && !nt.EqualFold(old, *name) {
		err = s.cfg.Workstation.Change(ctx, func(c *state.WorkstationSettings) error {
			c.Alternate = slices.DeleteFunc(c.Alternate, isName(*name))
			if !slices.ContainsFunc(c.Alternate, isName(old)) {
				c.Alternate = append(c.Alternate, old)
			}
			return nil
		})
	}
	return nameResult(err)
}

// rename gives the computer another name from its next start on. In a domain its account there would have to be renamed besides.
func (s *Service) rename(ctx context.Context, call *rpc.Call, name *string) uint32 {
	if r := mayName(call, name); r != success {
		return r
	}
	if s.isMember() {
		return notSupported
	}
	return nameResult(s.cfg.Workstation.Rename(ctx, *name))
}

// NetrAddAlternateComputerName gives the computer another name (MS-WKST 3.2.4.18).
func (s *Service) NetrAddAlternateComputerName(ctx context.Context, call *rpc.Call, in *gen.NetrAddAlternateComputerNameRequest) (*gen.NetrAddAlternateComputerNameResponse, error) {
	return &gen.NetrAddAlternateComputerNameResponse{Return: s.addAlternate(ctx, call, in.AlternateName)}, nil
}

// NetrAddAlternateComputerName2 gives the computer another name (MS-WKST 3.2.4.26).
func (s *Service) NetrAddAlternateComputerName2(ctx context.Context, call *rpc.Call, in *gen.NetrAddAlternateComputerName2Request) (*gen.NetrAddAlternateComputerName2Response, error) {
	return &gen.NetrAddAlternateComputerName2Response{Return: s.addAlternate(ctx, call, in.AlternateName)}, nil
}

// NetrRemoveAlternateComputerName takes a name away (MS-WKST 3.2.4.19).
func (s *Service) NetrRemoveAlternateComputerName(ctx context.Context, call *rpc.Call, in *gen.NetrRemoveAlternateComputerNameRequest) (*gen.NetrRemoveAlternateComputerNameResponse, error) {
	return &gen.NetrRemoveAlternateComputerNameResponse{Return: s.removeAlternate(ctx, call, in.AlternateName)}, nil
}

// NetrRemoveAlternateComputerName2 takes a name away (MS-WKST 3.2.4.27).
func (s *Service) NetrRemoveAlternateComputerName2(ctx context.Context, call *rpc.Call, in *gen.NetrRemoveAlternateComputerName2Request) (*gen.NetrRemoveAlternateComputerName2Response, error) {
	return &gen.NetrRemoveAlternateComputerName2Response{Return: s.removeAlternate(ctx, call, in.AlternateName)}, nil
}

// NetrSetPrimaryComputerName makes a name the computer's own (MS-WKST 3.2.4.20).
func (s *Service) NetrSetPrimaryComputerName(ctx context.Context, call *rpc.Call, in *gen.NetrSetPrimaryComputerNameRequest) (*gen.NetrSetPrimaryComputerNameResponse, error) {
	return &gen.NetrSetPrimaryComputerNameResponse{Return: s.setPrimary(ctx, call, in.PrimaryName)}, nil
}

// NetrSetPrimaryComputerName2 makes a name the computer's own (MS-WKST 3.2.4.28).
func (s *Service) NetrSetPrimaryComputerName2(ctx context.Context, call *rpc.Call, in *gen.NetrSetPrimaryComputerName2Request) (*gen.NetrSetPrimaryComputerName2Response, error) {
	return &gen.NetrSetPrimaryComputerName2Response{Return: s.setPrimary(ctx, call, in.PrimaryName)}, nil
}

// NetrRenameMachineInDomain2 renames the computer (MS-WKST 3.2.4.15).
func (s *Service) NetrRenameMachineInDomain2(ctx context.Context, call *rpc.Call, in *gen.NetrRenameMachineInDomain2Request) (*gen.NetrRenameMachineInDomain2Response, error) {
	return &gen.NetrRenameMachineInDomain2Response{Return: s.rename(ctx, call, in.MachineName)}, nil
}

// NetrRenameMachineInDomain3 renames the computer (MS-WKST 3.2.4.24).
func (s *Service) NetrRenameMachineInDomain3(ctx context.Context, call *rpc.Call, in *gen.NetrRenameMachineInDomain3Request) (*gen.NetrRenameMachineInDomain3Response, error) {
	return &gen.NetrRenameMachineInDomain3Response{Return: s.rename(ctx, call, in.MachineName)}, nil
}
