// Package haltfile keeps kill switches in a file, for hosts and tools without
// a database.
//
//	halts, err := haltfile.Open("data/halts.json")
//	engine, err := decision.New(decision.Config{Halts: halts, …})
//	err = halts.SetHalt(ctx, "", &decision.Halt{Reason: "maintenance", At: time.Now()})
//
// Every question reads the file anew, so that what another process or a person
// wrote counts at once. It is replaced in one step and written through to the
// disk; "Path.lock" keeps writers apart and stays, beside the file itself when
// the path is a symbolic link.
//
// No file means that nothing is halted: to remove it turns every switch off.
// A file that cannot be read or is not whole is an error, which the engine
// counts as a halt, and SetHalt leaves it as it is, since halts that nobody can
// read would be lost. An empty file is not whole: to touch or spoil the file
// stops every host that reads it until a person repairs or removes it.
//
//	{"schema":1,"halts":[
//	{"reason":"maintenance","by":"ops","at":"2026-11-21T12:00:00Z"},
//	{"account_id":"main","at":"2026-11-20T08:30:00Z"}
//	]}
package haltfile
