package api

import "lwio/iomgr/nt"

// DefaultFile answers every request with StatusInvalidDeviceRequest; embed it and write what the file does.
type DefaultFile struct{}

func refuse(r *Request) { r.Complete(nt.StatusInvalidDeviceRequest, 0) }

// The requests of FileImpl.
func (DefaultFile) Read(r *Request)             { refuse(r) }
func (DefaultFile) Write(r *Request)            { refuse(r) }
func (DefaultFile) FsControl(r *Request)        { refuse(r) }
func (DefaultFile) DeviceControl(r *Request)    { refuse(r) }
func (DefaultFile) QueryInformation(r *Request) { refuse(r) }
func (DefaultFile) SetInformation(r *Request)   { refuse(r) }
func (DefaultFile) QueryDirectory(r *Request)   { refuse(r) }
func (DefaultFile) NotifyChange(r *Request)     { refuse(r) }
func (DefaultFile) Lock(r *Request)             { refuse(r) }
func (DefaultFile) Unlock(r *Request)           { refuse(r) }
func (DefaultFile) QuerySecurity(r *Request)    { refuse(r) }
func (DefaultFile) SetSecurity(r *Request)      { refuse(r) }
func (DefaultFile) QueryEA(r *Request)          { refuse(r) }
func (DefaultFile) SetEA(r *Request)            { refuse(r) }
func (DefaultFile) QueryVolume(r *Request)      { refuse(r) }
func (DefaultFile) SetVolume(r *Request)        { refuse(r) }
func (DefaultFile) QueryQuota(r *Request)       { refuse(r) }
func (DefaultFile) SetQuota(r *Request)         { refuse(r) }
func (DefaultFile) Flush(r *Request)            { refuse(r) }
func (DefaultFile) Cleanup()                    {}
func (DefaultFile) Close()                      {}

// dispatch is indexed by operation.
var dispatch = [NumOps]func(FileImpl, *Request){
	OpRead:             FileImpl.Read,
	OpWrite:            FileImpl.Write,
	OpFsControl:        FileImpl.FsControl,
	OpDeviceControl:    FileImpl.DeviceControl,
	OpQueryInformation: FileImpl.QueryInformation,
	OpSetInformation:   FileImpl.SetInformation,
	OpQueryDirectory:   FileImpl.QueryDirectory,
	OpNotifyChange:     FileImpl.NotifyChange,
	OpLock:             FileImpl.Lock,
	OpUnlock:           FileImpl.Unlock,
	OpQuerySecurity:    FileImpl.QuerySecurity,
	OpSetSecurity:      FileImpl.SetSecurity,
	OpQueryEA:          FileImpl.QueryEA,
	OpSetEA:            FileImpl.SetEA,
	OpQueryVolume:      FileImpl.QueryVolume,
	OpSetVolume:        FileImpl.SetVolume,
	OpQueryQuota:       FileImpl.QueryQuota,
	OpSetQuota:         FileImpl.SetQuota,
	OpFlush:            FileImpl.Flush,
}
