; Two blocks of a cluster swap halves of what they have: out[r] is the sum of all x whose
; number has parity r. Launch: grid 2, block 128, cluster 2.
@mine = internal unnamed_addr addrspace(3) global [128 x float] zeroinitializer, align 4
@theirs = internal addrspace(3) global [64 x float] zeroinitializer, align 4

define ptx_kernel void @k(ptr addrspace(1) readonly %x, ptr addrspace(1) writeonly %out) {
entry:
  %0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %1 = call i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
  %2 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %mul = shl nsw i32 %2, 7
  %add = add nuw i32 %mul, %0
  %idxprom = zext i32 %add to i64
  %arrayidx = getelementptr inbounds nuw float, ptr addrspace(1) %x, i64 %idxprom
  %3 = load float, ptr addrspace(1) %arrayidx, align 4
  %idxprom1 = zext nneg i32 %0 to i64
  %arrayidx2 = getelementptr inbounds nuw float, ptr addrspace(3) @mine, i64 %idxprom1
  store float %3, ptr addrspace(3) %arrayidx2, align 4
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  %div35 = lshr i32 %0, 1
  %idxprom3 = zext nneg i32 %div35 to i64
  %arrayidx4 = getelementptr inbounds nuw float, ptr addrspace(3) @theirs, i64 %idxprom3
  %4 = ptrtoint ptr addrspace(3) %arrayidx4 to i64
  %conv = trunc i64 %4 to i32
  %xor = xor i32 %1, 1
  %5 = call i32 asm sideeffect "mapa.shared::cluster.u32 $0, $1, $2;", "=r,r,r"(i32 %conv, i32 %xor)
  %rem = and i32 %0, 1
  %cmp.not = icmp eq i32 %rem, %1
  br i1 %cmp.not, label %if.end, label %if.then

if.then:
  %6 = load float, ptr addrspace(3) %arrayidx2, align 4
  call void asm sideeffect "st.shared::cluster.f32 [$0], $1;", "r,f,~{memory}"(i32 %5, float %6)
  br label %if.end

if.end:
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  %cmp8 = icmp eq i32 %0, 0
  br i1 %cmp8, label %for.body, label %if.end23

for.cond.cleanup:
  %idxprom21 = zext nneg i32 %2 to i64
  %arrayidx22 = getelementptr inbounds nuw float, ptr addrspace(1) %out, i64 %idxprom21
  store float %add20.1, ptr addrspace(1) %arrayidx22, align 4
  br label %if.end23

for.body:
  %i.037 = phi i32 [ %inc.1, %for.body ], [ 0, %if.end ]
  %sum.036 = phi float [ %add20.1, %for.body ], [ 0.000000e+00, %if.end ]
  %mul13 = shl nuw nsw i32 %i.037, 1
  %add14 = add i32 %mul13, %1
  %idxprom15 = zext i32 %add14 to i64
  %arrayidx16 = getelementptr inbounds nuw float, ptr addrspace(3) @mine, i64 %idxprom15
  %7 = load float, ptr addrspace(3) %arrayidx16, align 4
  %idxprom17 = zext nneg i32 %i.037 to i64
  %arrayidx18 = getelementptr inbounds nuw float, ptr addrspace(3) @theirs, i64 %idxprom17
  %8 = load float, ptr addrspace(3) %arrayidx18, align 4
  %add19 = fadd float %7, %8
  %add20 = fadd float %sum.036, %add19
  %inc = or disjoint i32 %i.037, 1
  %mul13.1 = shl nuw nsw i32 %inc, 1
  %add14.1 = add i32 %mul13.1, %1
  %idxprom15.1 = zext i32 %add14.1 to i64
  %arrayidx16.1 = getelementptr inbounds nuw float, ptr addrspace(3) @mine, i64 %idxprom15.1
  %9 = load float, ptr addrspace(3) %arrayidx16.1, align 4
  %idxprom17.1 = zext nneg i32 %inc to i64
  %arrayidx18.1 = getelementptr inbounds nuw float, ptr addrspace(3) @theirs, i64 %idxprom17.1
  %10 = load float, ptr addrspace(3) %arrayidx18.1, align 4
  %add19.1 = fadd float %9, %10
  %add20.1 = fadd float %add20, %add19.1
  %inc.1 = add nuw nsw i32 %i.037, 2
  %exitcond.not.1 = icmp eq i32 %inc.1, 64
  br i1 %exitcond.not.1, label %for.cond.cleanup, label %for.body

if.end23:
  ret void
}

declare range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x()

declare i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()

declare range(i32 0, 2147483647) i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()

declare void @llvm.nvvm.barrier.cluster.arrive()

declare void @llvm.nvvm.barrier.cluster.wait()
