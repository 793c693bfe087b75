# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_zerotrust_global_optspecs
    string join \n f/filename= R/recursive n/namespace= A/all-namespaces color= v/verbose= kubeconfig= context= cluster= user= as= as-group= as-uid= s/server= certificate-authority= client-certificate= client-key= token= insecure-skip-tls-verify= tls-server-name= request-timeout= disable-compression= h/help V/version
end

function __fish_kubectl_zerotrust_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_zerotrust_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_zerotrust_using_subcommand
    set -l cmd (__fish_kubectl_zerotrust_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "lockdown" -d 'Deny everything to all application namespaces, in both directions, but DNS'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "promote" -d 'Enforce the lockdown that is staged or observed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "unlock" -d 'Take the lockdown back and keep the grants'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "allow" -d 'Open a flow wherever policy stops it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "expose-nodeport" -d 'Let clients outside reach a Service by a port of every node'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "expose-lb" -d 'Let clients outside reach a Service by its load balancer\'s address'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "bgp-allow" -d 'Let clients outside reach a Service by an address that is advertised over BGP'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "wireguard-sync" -d 'Bring grants, the perimeter and lists of nodes up to date with nodes, tunnels and Services'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "sync" -d 'Bring grants, the perimeter and lists of nodes up to date with nodes, tunnels and Services'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "revoke" -d 'Take a grant back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "status" -d 'Show what is locked, the grants, and what was noticed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "explain" -d 'Explain what becomes of a connection, hop by hop'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "diagnose" -d 'Explain kernel log lines, and print the commands that open them'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "test" -d 'Test that connections pass, or do not'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "validate" -d 'Check Calico\'s objects by Calico\'s own rules'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "snapshot" -d 'Save what decides about the cluster\'s traffic as manifests'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "history" -d 'List the changes that were made, newest first'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "undo" -d 'Take a recorded change back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "rbac" -d 'Print the least roles with which subcommands do their work'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "completion" -d 'Print a completion script for a shell'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "version" -d 'Print the version of this program'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l except -d 'Leave these namespaces open besides those that are found' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l only -d 'Lock only these namespaces' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l log-prefix -d 'What Felix writes before the packets while it observes (logPrefix), as \'zt %k %n\'' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l log-rate -d 'How many lines a Log rule writes at most while it observes (logActionRateLimit), as 10/second' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l allow-from -d 'Networks that go on reaching everything on the nodes: operators, routers, monitoring' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l allow-port -d 'Ports of the nodes that stay open to everybody, as 443 or udp/500' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l interface -d 'Interface that new host endpoints name, as eth0 or *; without it the nodes\' addresses tell it' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l name -d 'Name of the policy; tells which is meant where there are several lockdowns' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l log -d 'Log what is dropped to the nodes\' kernel log'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l staged -d 'Write it as a StagedGlobalNetworkPolicy (Calico 3.30 and later): nothing is closed, flow logs tell what would be'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l observe -d 'Log what would be dropped, and let it pass, until `promote`: nothing is closed, with every version of Calico'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l nodes -d 'Close the nodes too, to everything from outside the cluster but what is listed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l inline-nets -d 'Write the nodes\' addresses into the rules, instead of into one GlobalNetworkSet'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l close-others -d 'Close every door of a Service that has no grant, and hostPorts of applications, also those that are open now'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand lockdown" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l allow-from -d 'Other networks that go on reaching everything on the nodes than those named for the observation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l allow-port -d 'Other ports of the nodes that stay open to everybody than those named for the observation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l log -d 'Log what is dropped to the nodes\' kernel log'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l close-others -d 'Close every door of a Service that has no grant, and hostPorts of applications, also those that are open now'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l name -d 'Name of the lockdown\'s policy' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l perimeter -d 'Take the perimeter back instead: the host endpoints, the policy and the set that expose-nodeport and its like made'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l nodes -d 'Take the lock of the nodes back instead; doors of Services stay closed where something is exposed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l from -d 'Who may connect' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l to -d 'To what' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l port -d 'Ports of the target, as 80, udp/53, 8000-8010, a name, or any; without it those that the target has itself' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l reason -d 'Why, for those who read the grant later' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l expires -d 'Until when: a span as 2h, 1h30m or 7d, a day as 2026-12-31 (as it begins, in UTC), a time as 2026-12-31T18:00:00Z, or never; `sync` takes back what has ended' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand allow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l from -d 'Who may come: addresses or ranges outside; without it everybody outside' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l port -d 'Only these ports of the Service, as 80, udp/53 or a name' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l interface -d 'Interface that new host endpoints name, as eth0 or *; without it the nodes\' addresses tell it' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l reason -d 'Why, for those who read the grant later' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l expires -d 'Until when: a span as 2h, 1h30m or 7d, a day as 2026-12-31 (as it begins, in UTC), a time as 2026-12-31T18:00:00Z, or never; `sync` takes back what has ended' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l node-port -d 'The number on the nodes, where the Service has none yet; without it a free one is chosen' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l nodes -d 'Only by the nodes with these labels, as role=edge' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l inline-nets -d 'Write the nodes\' addresses into the rules, instead of into one GlobalNetworkSet'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l close-others -d 'Close every door of a Service that has no grant, also those that are open now'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-nodeport" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l from -d 'Who may come: addresses or ranges outside; without it everybody outside' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l port -d 'Only these ports of the Service, as 80, udp/53 or a name' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l interface -d 'Interface that new host endpoints name, as eth0 or *; without it the nodes\' addresses tell it' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l reason -d 'Why, for those who read the grant later' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l expires -d 'Until when: a span as 2h, 1h30m or 7d, a day as 2026-12-31 (as it begins, in UTC), a time as 2026-12-31T18:00:00Z, or never; `sync` takes back what has ended' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l timeout -d 'How long to wait for an address where the Service has none yet, as 90s or 5m; 0 looks once' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l address -d 'The address that the load balancer is asked for (spec.loadBalancerIP)' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l inline-nets -d 'Write the nodes\' addresses into the rules, instead of into one GlobalNetworkSet'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l close-others -d 'Close every door of a Service that has no grant, also those that are open now'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand expose-lb" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l from -d 'Who may come: addresses or ranges outside; without it everybody outside' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l port -d 'Only these ports of the Service, as 80, udp/53 or a name' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l interface -d 'Interface that new host endpoints name, as eth0 or *; without it the nodes\' addresses tell it' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l reason -d 'Why, for those who read the grant later' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l expires -d 'Until when: a span as 2h, 1h30m or 7d, a day as 2026-12-31 (as it begins, in UTC), a time as 2026-12-31T18:00:00Z, or never; `sync` takes back what has ended' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l advertise -d 'Have this address of the Service advertised' -r -f -a "cluster\t'The cluster address'
external\t'spec.externalIPs'
lb\t'What a load balancer gave'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l peer -d 'A router outside that every node peers with' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l peer-as -d 'Its autonomous system; behind --peer, --as with a number says it too, as no user is called by a number' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l inline-nets -d 'Write the nodes\' addresses into the rules, instead of into one GlobalNetworkSet'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l close-others -d 'Close every door of a Service that has no grant, also those that are open now'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand bgp-allow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l check -d 'Only say what is behind, and end with 3 if anything is'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s w -l watch -d 'Go on: watch nodes, Services, pods and policies, bring everything up to date whenever one of them changes or a grant ends, and every five minutes anyway; one line for each object that is written; with --dry-run=client only say what is behind'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand wireguard-sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l check -d 'Only say what is behind, and end with 3 if anything is'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s w -l watch -d 'Go on: watch nodes, Services, pods and policies, bring everything up to date whenever one of them changes or a grant ends, and every five minutes anyway; one line for each object that is written; with --dry-run=client only say what is behind'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l from -d 'Who may connect, as it was given to allow' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l to -d 'To what, as it was given to allow' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l port -d 'Only the grant with exactly these ports' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -l exit-code -d 'End with 3 if an application namespace is open or something was noticed, with 4 if not all could be seen'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l from -d 'Who connects: a pod, workload, Service, address, CIDR, nodes or world; a node\'s address is a process on it' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l to -d 'To what, with a port where it has none of its own; an IPv6 address with a port in brackets' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l protocol -d 'tcp, udp, sctp or icmp; that of the port where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l entry -d 'The node where a connection from outside enters the cluster; every one that it can where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l log -d 'A kernel log; - is standard input, which is also read where neither --log nor --node is given' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l node -d 'A node whose kernel log is read through the API server (it takes `get` on nodes/proxy)' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l prefix -d 'What Felix writes before a packet, where it is not in the FelixConfiguration (FELIX_LOGPREFIX)' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -l all-nodes -d 'Read the kernel logs of all nodes'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s w -l watch -d 'Go on reading, and print new groups as they come'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand diagnose" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l calico-version -d 'Release of Calico whose rules count, as 3.28 or v3.31.2' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l accept-risk -d 'Go on in spite of a risk that a refusal named' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s o -l output -d 'What to print: the changes as text (table, wide), or the resulting objects' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l dry-run -d 'client: show what would change and write nothing; server: let the API server check it too, which stores nothing' -r -f -a "none\t'The change is made'
client\t'This program'
server\t'The API server too'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l field-manager -d 'Name under which the API server notes who manages the written fields' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l tests -d 'Tests of reachability, as `test` takes them: refuse the change if one fails after it' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l confirm-within -d 'Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no longer answers over a new connection' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l probe -d 'What else must go on accepting TCP connections until the change is confirmed' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l force -d 'Put back also what others changed since of what the change made'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s y -l yes -d 'Do not ask'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -l no-record -d 'Keep no record of the change: undo cannot take it back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l api -d 'The API group of Calico\'s objects, instead of asking the cluster' -r -f -a "crd\t'crd.projectcalico.org'
v3\t'projectcalico.org'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l name -d 'Name of the roles and bindings; without it `zerotrust` with the subcommands behind' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l bind -d 'Who gets them: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s o -l output -d 'One of table, wide, json, yaml, name' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'JSON'
yaml\t'YAML'
name\t'One name for each object'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l record-namespace -d 'Namespace of the records of changes' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand rbac" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s o -l output -d 'One of json, yaml; a line of text where not set' -r -f -a "json\t''
yaml\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s f -l filename -d 'Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s n -l namespace -d 'Namespace in which names are looked up; the context\'s where not set, else all' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l color -d 'When to print in colour; NO_COLOR and TERM=dumb turn auto off' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s v -l verbose -d 'Print more to standard error: 1 tells where facts come from, 6 every request' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig file to use for CLI requests' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l context -d 'The name of the kubeconfig context to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l cluster -d 'The name of the kubeconfig cluster to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l user -d 'The name of the kubeconfig user to use' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l as -d 'Username to impersonate for the operation; a regular user or a service account in a namespace' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l as-group -d 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l as-uid -d 'UID to impersonate for the operation' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s s -l server -d 'The address and port of the Kubernetes API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l certificate-authority -d 'Path to a cert file for the certificate authority' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l client-certificate -d 'Path to a client certificate file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l client-key -d 'Path to a client key file for TLS' -r -F
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l token -d 'Bearer token for authentication to the API server' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l insecure-skip-tls-verify -d 'If true, the server\'s certificate will not be checked for validity, which makes HTTPS connections insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l tls-server-name -d 'Server name to use for server certificate validation; the server\'s hostname where not set' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l request-timeout -d 'The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don\'t timeout' -r
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l disable-compression -d 'If true, opt-out of response compression for all requests to the server' -r -f -a "true\t''
false\t''"
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -l client -d 'Accepted as kubectl takes it: only this program\'s version is ever printed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s R -l recursive -d 'Directories are always read with what is below them; accepted as kubectl takes it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s A -l all-namespaces -d 'Look names up in all namespaces, whatever the context says'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "lockdown" -d 'Deny everything to all application namespaces, in both directions, but DNS'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "promote" -d 'Enforce the lockdown that is staged or observed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "unlock" -d 'Take the lockdown back and keep the grants'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "allow" -d 'Open a flow wherever policy stops it'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "expose-nodeport" -d 'Let clients outside reach a Service by a port of every node'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "expose-lb" -d 'Let clients outside reach a Service by its load balancer\'s address'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "bgp-allow" -d 'Let clients outside reach a Service by an address that is advertised over BGP'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "wireguard-sync" -d 'Bring grants, the perimeter and lists of nodes up to date with nodes, tunnels and Services'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "revoke" -d 'Take a grant back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "status" -d 'Show what is locked, the grants, and what was noticed'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "explain" -d 'Explain what becomes of a connection, hop by hop'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "diagnose" -d 'Explain kernel log lines, and print the commands that open them'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "test" -d 'Test that connections pass, or do not'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "validate" -d 'Check Calico\'s objects by Calico\'s own rules'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "snapshot" -d 'Save what decides about the cluster\'s traffic as manifests'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "history" -d 'List the changes that were made, newest first'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "undo" -d 'Take a recorded change back'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "rbac" -d 'Print the least roles with which subcommands do their work'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "completion" -d 'Print a completion script for a shell'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "version" -d 'Print the version of this program'
complete -c kubectl-zerotrust -n "__fish_kubectl_zerotrust_using_subcommand help; and not __fish_seen_subcommand_from lockdown promote unlock allow expose-nodeport expose-lb bgp-allow wireguard-sync revoke status explain diagnose test validate snapshot history undo rbac completion version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
