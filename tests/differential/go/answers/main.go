// The Go SDK as a reader of hostile answers: asks each address for its tools and tells what was heard, a line of JSON
// each.
//
//	echo '[{"id", "url", "kind"}]' | answers
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	atOnce  = 24
	connect = 10 * time.Second
	answer  = 2 * time.Second
	stream  = 600 * time.Millisecond
	// Nobody answers on a stream of HTTP with SSE; where the client posts to is what counts.
	post   = 1500 * time.Millisecond
	settle = 100 * time.Millisecond
)

type input struct {
	ID   string `json:"id"`
	URL  string `json:"url"`
	Kind string `json:"kind"`
}

type output struct {
	ID    string   `json:"id"`
	Heard []string `json:"heard"`
}

// listener gathers what one client hears.
type listener struct {
	mutex sync.Mutex
	heard []string
}

func (l *listener) tell(what string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.heard = append(l.heard, what)
}

func (l *listener) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]string{}, l.heard...)
}

// name is what a request or notification of the server is called in the table.
func name(method string, params mcp.Params) string {
	switch params := params.(type) {
	case *mcp.ElicitParams:
		if params.URL != "" {
			return "page " + params.URL
		}
		return "form"
	case *mcp.ResourceUpdatedNotificationParams:
		return "updated " + params.URI
	}
	return method
}

func listen(in input) []string {
	l := &listener{}
	refused := errors.New("heard")
	client := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, &mcp.ClientOptions{
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return nil, refused
		},
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) { return nil, refused },
		Capabilities: &mcp.ClientCapabilities{
			RootsV2: &mcp.RootCapabilities{},
			Elicitation: &mcp.ElicitationCapabilities{
				Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{},
			},
		},
	})
	client.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
			l.tell(name(method, request.GetParams()))
			return next(ctx, method, request)
		}
	})
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: in.URL}
	limit := connect
	if in.Kind == "sse" {
		transport, limit = &mcp.SSEClientTransport{Endpoint: in.URL}, post
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return l.all()
	}
	if in.Kind == "stream" {
		time.Sleep(stream)
	}
	asked, stop := context.WithTimeout(ctx, answer)
	defer stop()
	tools, err := session.ListTools(asked, nil)
	var refusal *jsonrpc.Error
	if errors.As(err, &refusal) {
		var data struct {
			Elicitations []struct {
				URL string `json:"url"`
			} `json:"elicitations"`
		}
		if json.Unmarshal(refusal.Data, &data) == nil {
			for _, page := range data.Elicitations {
				l.tell("page " + page.URL)
			}
		}
	}
	if err == nil {
		for _, tool := range tools.Tools {
			l.tell("tool " + tool.Name)
		}
	}
	time.Sleep(settle)
	go session.Close()
	return l.all()
}

func main() {
	var inputs []input
	if err := json.NewDecoder(os.Stdin).Decode(&inputs); err != nil {
		log.Fatal(err)
	}
	queue, tell := make(chan input), json.NewEncoder(os.Stdout)
	var workers sync.WaitGroup
	var printing sync.Mutex
	for range atOnce {
		workers.Go(func() {
			for in := range queue {
				heard := listen(in)
				printing.Lock()
				tell.Encode(output{in.ID, heard})
				printing.Unlock()
			}
		})
	}
	for _, in := range inputs {
		queue <- in
	}
	close(queue)
	workers.Wait()
}
