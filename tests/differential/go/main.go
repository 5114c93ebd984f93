// Two readers of hostile requests on one port: the Go SDK at /mcp/github, and a server as one writes it by hand on
// encoding/json at /by-hand. GET /ran and GET /ran-by-hand tell what ran since the last time.
//
//	readers PORT
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// ran is what ran, in order, until somebody asks.
type ran struct {
	mutex sync.Mutex
	list  []any
}

// call is a tools/call as a handler got it.
type call struct {
	Method    string          `json:"method"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

func (r *ran) tell(what any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.list = append(r.list, what)
}

func (r *ran) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	body, err := json.Marshal(r.list)
	if err != nil {
		body, _ = json.Marshal([]any{map[string]string{"method": "unprintable", "name": err.Error()}})
	}
	r.list = []any{}
	w.Header().Set("content-type", "application/json")
	w.Write(body)
}

// sdk is the server on the SDK; its middleware sees every tool, so that nothing but reading keeps one from running.
func sdk(r *ran) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "go", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "safe", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) { return &mcp.CallToolResult{}, nil })
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
			switch params := request.GetParams().(type) {
			case *mcp.CallToolParamsRaw:
				r.tell(call{method, params.Name, params.Arguments})
				return &mcp.CallToolResult{Content: []mcp.Content{}}, nil
			case *mcp.ListToolsParams:
				r.tell(map[string]string{"method": method})
			}
			return next(ctx, method, request)
		}
	})
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

// byHand is what a small server without an SDK does: decodes into a struct, looks at the method, and runs.
func byHand(r *ran) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		var message struct {
			Method string `json:"method"`
			Params struct {
				Name      string         `json:"name"`
				Arguments map[string]any `json:"arguments"`
			} `json:"params"`
		}
		if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch message.Method {
		case "tools/call":
			arguments, _ := json.Marshal(message.Params.Arguments)
			r.tell(call{message.Method, message.Params.Name, arguments})
		case "tools/list":
			r.tell(map[string]string{"method": message.Method})
		}
		w.Write([]byte("{}"))
	}
}

func main() {
	viaSDK, viaHand := &ran{list: []any{}}, &ran{list: []any{}}
	mux := http.NewServeMux()
	mux.Handle("/mcp/github", sdk(viaSDK))
	mux.Handle("/by-hand", byHand(viaHand))
	mux.Handle("/ran", viaSDK)
	mux.Handle("/ran-by-hand", viaHand)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], mux))
}
