#!/usr/bin/env bash
# The lab's Tasks 1 to 6 as people type them, on the cluster of KUBECONFIG.
#
#   script.sh NODE1 NODE2 OUTSIDE GRACE   the nodes of bb1 and of bb2, the address outside to ping, and the seconds that
#                                         the pods have to end; 30 when nothing is said, and they use them all
set -euo pipefail
node1=$1 node2=$2 outside=$3 grace=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Task 1
kubectl label node "$node1" alias=firstWorker --overwrite
kubectl label node "$node2" alias=secondWorker --overwrite
kubectl run bb1 --image=busybox --image-pull-policy=IfNotPresent --dry-run=client -o yaml \
    --overrides='{"spec": {"nodeSelector": {"alias": "firstWorker"}, "terminationGracePeriodSeconds": '"$grace"'}}' \
    -- sleep 3600 > "$folder/bb1.yaml"
kubectl run bb2 --image=busybox --image-pull-policy=IfNotPresent --dry-run=client -o yaml \
    --overrides='{"spec": {"nodeSelector": {"alias": "secondWorker"}, "terminationGracePeriodSeconds": '"$grace"'}}' \
    -- sleep 3600 > "$folder/bb2.yaml"
kubectl apply -f "$folder/bb1.yaml"
kubectl apply -f "$folder/bb2.yaml"
kubectl wait --for=condition=Ready pod bb1 bb2 --timeout=60s

# Task 2
kubectl get pods bb1 bb2 -n default -o wide
bb1_ip=$(kubectl get pod bb1 -o go-template --template '{{.status.podIP}}')
echo "$bb1_ip"
bb2_ip=$(kubectl get pod bb2 -o go-template --template '{{.status.podIP}}')
echo "$bb2_ip"

# Task 3: on network namespaces, the node's agent pod stands for its container.
agent=$(kubectl get pods -n kube-system -l k8s-app=netns-node --field-selector "spec.nodeName=$node1" -o name)
if [ -n "$agent" ]; then
    kubectl exec -n kube-system "$agent" -- ip route
else
    docker exec "$node1" ip route
fi

# Tasks 4 and 5
kubectl exec bb1 -- ping -c 5 "$outside"
kubectl exec bb1 -- ping -c 5 "$bb2_ip"
kubectl exec bb2 -- traceroute -n "$bb1_ip"

# Task 6
kubectl delete pod bb1 bb2
