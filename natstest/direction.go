package natstest

// Direction is a way through a [Proxy]. Its zero value is Both, and so is every value not listed here.
type Direction int

// The ways through a proxy.
const (
	Both Direction = iota
	ClientToServer
	ServerToClient
)

// String is for messages: "both", "client to server", "server to client".
func (d Direction) String() string {
	switch d {
	case ClientToServer:
		return "client to server"
	case ServerToClient:
		return "server to client"
	}
	return "both"
}

// includes tells whether a fault for d concerns bytes that travel in the single direction one.
func (d Direction) includes(one Direction) bool {
	return d == one || d != ClientToServer && d != ServerToClient
}

func (d Direction) reverse() Direction {
	switch d {
	case ClientToServer:
		return ServerToClient
	case ServerToClient:
		return ClientToServer
	}
	return Both
}

// perDirection is a value for each of the two ways.
type perDirection[T any] struct{ toServer, toClient T }

func (p *perDirection[T]) at(one Direction) *T {
	if one == ClientToServer {
		return &p.toServer
	}
	return &p.toClient
}

// set gives all directions in d the value v.
func (p *perDirection[T]) set(d Direction, v T) {
	for _, one := range []Direction{ClientToServer, ServerToClient} {
		if d.includes(one) {
			*p.at(one) = v
		}
	}
}
