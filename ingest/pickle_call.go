package ingest

// call replaces a callable, with arguments on top of it, by what stands for its result.
func (u *unpickler) call(arguments int) error {
	it, err := u.top(arguments)
	if err != nil {
		return err
	}
	if arguments == 1 && u.recognise(it, u.stack[len(u.stack)-1]) {
		return u.drop(1)
	}
	if !u.isName(*it) && it.kind != itemExtension {
		*it = item{kind: itemUnknown}
	}
	return u.drop(arguments)
}

// recognise sees through what pickle itself calls: the protocols before 3 have no bytes and write them as text to be
// encoded; and what makes an object is given its class, whose name says more.
func (u *unpickler) recognise(callable *item, arguments item) bool {
	if !u.isName(*callable) {
		return false
	}
	name, args := u.members(*callable), u.members(arguments)
	switch u.plain(name[0]) + "." + u.plain(name[1]) {
	case "_codecs.encode":
		if len(args) == 0 || args[0].kind != itemText && args[0].kind != itemRaw {
			return false
		}
		*callable = args[0]
		callable.kind++ // each is followed by its Latin form
		return true
	case "__builtin__.bytes", "builtins.bytes":
		if len(args) > 0 {
			return false
		}
		*callable = item{kind: itemText}
		return true
	case "copy_reg._reconstructor", "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__":
		if len(args) == 0 || !u.isName(args[0]) {
			return false
		}
		*callable = args[0]
		return true
	}
	return false
}

func (u *unpickler) isName(it item) bool {
	return it.kind == itemSequence && u.sequence[it.a].kind == named
}

// members are the first items of a sequence, all of them if it was made in one piece.
func (u *unpickler) members(it item) []item {
	if it.kind != itemSequence || u.sequence[it.a].first == none {
		return nil
	}
	s := u.segments[u.sequence[it.a].first]
	return u.cells[s.from:s.to]
}

// plain is the text of a name that may be one of ours.
func (u *unpickler) plain(it item) string {
	if it.kind != itemText || it.b-it.a > 16 {
		return ""
	}
	return string(u.s[it.a:it.b])
}
